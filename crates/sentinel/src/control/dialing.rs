//! Connecting to the other sentinels. Each sentinel speaks on the connection that it dialled itself and
//! listens on the one that it was dialled on.

use super::Notice;
use crate::options::Peer;
use holdfast_core::names::{Address, Sentinel};
use holdfast_core::register::Voters;
use holdfast_core::wire::PeerMessage;
use holdfast_link::{Error, Identity, Outbox, Whereabouts, dial};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Messages that may wait for a slow peer: several for each of thousands of groups.
const WAITING_MAX: usize = 32_768;

/// Pause between two attempts.
const AGAIN: Duration = Duration::from_millis(100);

/// The connections to the other sentinels, each kept for as long as the other one belongs to the set.
pub(crate) struct Dialing {
    me: Identity,
    inbox: mpsc::Sender<Notice>,
    kept: BTreeMap<Sentinel, (Address, AbortHandle)>,
}

impl Dialing {
    pub(crate) fn new(me: Identity, inbox: mpsc::Sender<Notice>) -> Self {
        Self {
            me,
            inbox,
            kept: BTreeMap::new(),
        }
    }

    /// Keeps connections to all of `set`, and to those that are out of it for as long as they vote. Returns to whom
    /// a connection is kept no longer, or at another address.
    pub(crate) fn reach(&mut self, set: &[Peer], voters: &Voters) -> Vec<Sentinel> {
        let mut given_up = Vec::new();
        self.kept.retain(|name, (address, task)| {
            let listed = set.iter().find(|peer| peer.name == *name);
            let stays = match listed {
                Some(peer) => peer.control == *address,
                None => voters.members.contains_key(name),
            };
            if !stays {
                task.abort();
                given_up.push(name.clone());
            }
            stays
        });
        for peer in set {
            let other = peer.name.as_str() != self.me.name;
            if other && !self.kept.contains_key(&peer.name) {
                self.keep(peer);
            }
        }
        given_up
    }

    fn keep(&mut self, peer: &Peer) {
        let keeping = keep(peer.clone(), self.me.clone(), self.inbox.clone());
        let task = tokio::task::spawn_local(keeping).abort_handle();
        self.kept
            .insert(peer.name.clone(), (peer.control.clone(), task));
    }
}

async fn keep(peer: Peer, me: Identity, inbox: mpsc::Sender<Notice>) {
    let mut whereabouts = Whereabouts::new(&*peer.control.host, peer.control.port);
    let mut refused = None;
    loop {
        match Box::pin(once(&peer, &mut whereabouts, &me, &inbox)).await {
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

async fn once(
    peer: &Peer,
    whereabouts: &mut Whereabouts,
    me: &Identity,
    inbox: &mpsc::Sender<Notice>,
) -> Result<(), Error> {
    let (met, mut reader, writer) = dial(whereabouts, me).await?;
    if met.name != peer.name.as_str() {
        return Err(Error::Refused(format!(
            "{} answers as {}; expected {}",
            peer.control, met.name, peer.name
        )));
    }
    let (outbox, sending) = Outbox::open(writer, WAITING_MAX);
    let _ = inbox
        .send(Notice::PeerLinked(peer.name.clone(), outbox, met.ip))
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
