//! Connections to the sentinels.

use crate::agent::Notice;
use holdfast_core::names::{Address, Sentinel};
use holdfast_core::wire::FromSentinel;
use holdfast_link::{Error, Identity, Met, Outbox, Reader, Whereabouts, Writer, dial};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Pause before the first new attempt: a sentinel that counts this node as gone should hear of it before its grace is over.
const AGAIN: Duration = Duration::from_millis(20);

/// Messages that may wait for a slow sentinel.
const WAITING_MAX: usize = 128;

/// Longest pause between attempts.
const AGAIN_MAX: Duration = Duration::from_millis(500);

/// The connections to the sentinels, each kept for as long as its address is configured.
pub(crate) struct Dialing {
    me: Identity,
    inbox: mpsc::Sender<Notice>,
    /// Dropping one ends its connection.
    kept: BTreeMap<Address, oneshot::Sender<()>>,
}

impl Dialing {
    pub(crate) fn new(me: Identity, inbox: mpsc::Sender<Notice>) -> Self {
        Self {
            me,
            inbox,
            kept: BTreeMap::new(),
        }
    }

    /// Keeps a connection to each of these, and to nobody else.
    pub(crate) fn reach(&mut self, sentinels: &[Address]) {
        self.kept.retain(|address, _| sentinels.contains(address));
        for address in sentinels {
            if !self.kept.contains_key(address) {
                let (hold, unwanted) = oneshot::channel();
                let (me, inbox) = (self.me.clone(), self.inbox.clone());
                tokio::task::spawn_local(keep(address.clone(), me, inbox, unwanted));
                self.kept.insert(address.clone(), hold);
            }
        }
    }
}

async fn keep(
    address: Address,
    me: Identity,
    inbox: mpsc::Sender<Notice>,
    mut unwanted: oneshot::Receiver<()>,
) {
    let mut whereabouts = Whereabouts::new(&*address.host, address.port);
    let mut refused = None;
    let mut pause = AGAIN;
    loop {
        let dialled = tokio::select! {
            dialled = Box::pin(dial(&mut whereabouts, &me)) => dialled,
            _ = &mut unwanted => return,
        };
        match dialled {
            Ok(dialled) => {
                if !serve(dialled, &inbox, &mut unwanted).await {
                    return;
                }
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
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = &mut unwanted => return,
        }
    }
}

/// Passes on what a sentinel says until the connection ends. Returns whether another one is wanted.
async fn serve(
    (met, mut reader, writer): (Met, Reader, Writer),
    inbox: &mpsc::Sender<Notice>,
    unwanted: &mut oneshot::Receiver<()>,
) -> bool {
    let name = Sentinel::from(met.name);
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
    let wanted = tokio::select! {
        () = receiving => true,
        () = sending => true,
        _ = unwanted => false,
    };
    let _ = inbox.send(Notice::Unlinked(name)).await;
    wanted
}
