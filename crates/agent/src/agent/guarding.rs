//! Regular looks at settings that only Holdfast sets.

use super::Notice;
use crate::server::{Guard, Link, Renewal, Server};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// Pace of the looks: how long a changed setting may last.
const EVERY: Duration = Duration::from_secs(2);

/// Looks for ever. A server that does not answer is looked at again; its silence is noticed elsewhere.
pub(super) async fn guard(
    server: Rc<Server>,
    mut link: Link,
    renewal: Rc<Mutex<Renewal>>,
    inbox: mpsc::Sender<Notice>,
) {
    let mut guard = Guard::default();
    loop {
        tokio::time::sleep(EVERY).await;
        // Nothing is compared while it is meant to differ, or is being changed.
        if server.is_shut() {
            continue;
        }
        let renewal = renewal.lock().await;
        let found = guard.look(&mut link, renewal.applied()).await;
        drop(renewal);
        for drift in found.unwrap_or_default() {
            if inbox
                .send(Notice::Drifted(server.pid(), drift))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}
