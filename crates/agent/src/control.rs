//! Connections to the sentinels.

use crate::agent::Notice;
use holdfast_core::names::{Address, Sentinel};
use holdfast_core::wire::FromSentinel;
use holdfast_link::{Error, Identity, Outbox, dial};
use std::time::Duration;
use tokio::sync::mpsc;

/// Pause before the first new attempt: a sentinel that counts this node as gone should hear of it before its grace is over.
const AGAIN: Duration = Duration::from_millis(20);

/// Messages that may wait for a slow sentinel.
const WAITING_MAX: usize = 128;

/// Longest pause between attempts.
const AGAIN_MAX: Duration = Duration::from_millis(500);

/// Keeps a connection to every sentinel, for ever.
pub(crate) fn dial_sentinels(sentinels: &[Address], me: &Identity, inbox: &mpsc::Sender<Notice>) {
    for address in sentinels {
        tokio::task::spawn_local(keep(address.clone(), me.clone(), inbox.clone()));
    }
}

async fn keep(address: Address, me: Identity, inbox: mpsc::Sender<Notice>) {
    let mut refused = None;
    let mut pause = AGAIN;
    loop {
        match Box::pin(once(&address, &me, &inbox)).await {
            Ok(()) => {
                pause = AGAIN;
                refused = None;
            }
            Err(Error::Refused(why)) => {
                if refused.as_ref() != Some(&why) {
                    tracing::warn!("connect to the sentinel at {address}: refused: {why}");
                    refused = Some(why);
                }
                pause = AGAIN_MAX;
            }
            Err(error) => {
                tracing::debug!("connect to the sentinel at {address}: {error}");
                pause = (pause * 2).min(AGAIN_MAX);
            }
        }
        tokio::time::sleep(pause).await;
    }
}

async fn once(address: &Address, me: &Identity, inbox: &mpsc::Sender<Notice>) -> Result<(), Error> {
    let (met, mut reader, writer) = dial(&address.host, address.port, me).await?;
    let name = Sentinel(met.name);
    let (outbox, sending) = Outbox::open(writer, WAITING_MAX);
    let _ = inbox.send(Notice::Linked(name.clone(), outbox)).await;
    let receiving = async {
        while let Ok(Some(message)) = reader.next::<FromSentinel>().await {
            if inbox
                .send(Notice::Sentinel(name.clone(), message))
                .await
                .is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = receiving => {}
        () = sending => {}
    }
    let _ = inbox.send(Notice::Unlinked(name)).await;
    Ok(())
}
