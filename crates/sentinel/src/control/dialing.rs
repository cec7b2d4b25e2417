//! Connecting to the other sentinels. Each sentinel speaks on the connection that it dialled itself and
//! listens on the one that it was dialled on.

use super::Notice;
use crate::options::Peer;
use holdfast_core::wire::PeerMessage;
use holdfast_link::{Error, Identity, Outbox, dial};
use std::time::Duration;
use tokio::sync::mpsc;

/// Messages that may wait for a slow peer: several for each of thousands of groups.
const WAITING_MAX: usize = 32_768;

/// Pause between two attempts.
const AGAIN: Duration = Duration::from_millis(100);

/// Keeps a connection to every peer, for ever.
pub(crate) fn dial_peers(peers: &[Peer], me: &Identity, inbox: &mpsc::Sender<Notice>) {
    for peer in peers.iter().filter(|peer| peer.name.as_str() != me.name) {
        tokio::task::spawn_local(keep(peer.clone(), me.clone(), inbox.clone()));
    }
}

async fn keep(peer: Peer, me: Identity, inbox: mpsc::Sender<Notice>) {
    let mut refused = None;
    loop {
        match Box::pin(once(&peer, &me, &inbox)).await {
            Ok(()) => refused = None,
            Err(Error::Refused(why)) if refused.as_ref() != Some(&why) => {
                tracing::warn!(peer = %peer.name, "connect to sentinel {}: refused: {why}", peer.control);
                refused = Some(why);
            }
            Err(error) => tracing::debug!(peer = %peer.name, "connect to sentinel: {error}"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn once(peer: &Peer, me: &Identity, inbox: &mpsc::Sender<Notice>) -> Result<(), Error> {
    let (met, mut reader, writer) = dial(&peer.control.host, peer.control.port, me).await?;
    if met.name != peer.name.as_str() {
        return Err(Error::Refused(format!(
            "{} answers as {}; expected {}",
            peer.control, met.name, peer.name
        )));
    }
    let (outbox, sending) = Outbox::open(writer, WAITING_MAX);
    let _ = inbox
        .send(Notice::PeerLinked(peer.name.clone(), outbox))
        .await;
    // Nothing is said in this direction: reading only tells when the other end is gone.
    let ended = async { while let Ok(Some(_)) = reader.next::<PeerMessage>().await {} };
    tokio::select! {
        () = ended => {}
        () = sending => {}
    }
    let _ = inbox.send(Notice::PeerGone(peer.name.clone())).await;
    Ok(())
}
