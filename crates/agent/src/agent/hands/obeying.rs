//! Orders to redis-server, one after the other.

use crate::agent::names::Names;
use crate::agent::{Notice, looking};
use crate::server::{Link, Server};
use holdfast_core::agent::{Operation, ServerInfo};
use holdfast_core::limits::PAUSE_MAX;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long clients find no server after a lease has run out: the time of a short loss of sentinels, and of an election. Then
/// they may read again, and their writes are refused.
const SHUT_OUT: Duration = Duration::from_secs(2);

/// Pause before a door that did not open is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// Carries orders out one after the other.
pub(super) async fn obey(
    server: Rc<Server>,
    mut link: Link,
    mut orders: mpsc::Receiver<Operation>,
    inbox: mpsc::Sender<Notice>,
) {
    let pid = server.pid();
    let mut was_master = false;
    let mut names = Names::default();
    let mut opens_at = None;
    loop {
        let operation = tokio::select! {
            order = orders.recv() => match order {
                Some(operation) => operation,
                None => return,
            },
            () = due(opens_at) => {
                opens_at = open_door(&server, &mut link).await;
                continue;
            }
        };
        let result = match &operation {
            Operation::Follow(primary) => {
                let reachable = Operation::Follow(names.reachable(primary).await);
                execute(&server, &mut link, &reachable, was_master).await
            }
            operation => execute(&server, &mut link, operation, was_master).await,
        };
        opens_at = if operation == Operation::Fence {
            Some(Instant::now() + SHUT_OUT)
        } else {
            open_door(&server, &mut link).await
        };
        if let Ok(info) = &result {
            was_master = info.is_master;
        }
        if inbox
            .send(Notice::Done(pid, operation, result))
            .await
            .is_err()
        {
            return;
        }
    }
}

/// Opens a door that is shut; where it does not open, says when to try again.
async fn open_door(server: &Server, link: &mut Link) -> Option<Instant> {
    let opened = !server.is_shut() || server.open_door(link).await.is_ok();
    (!opened).then(|| Instant::now() + AGAIN)
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn execute(
    server: &Server,
    link: &mut Link,
    operation: &Operation,
    was_master: bool,
) -> Result<ServerInfo, String> {
    let seen = match operation {
        Operation::Seal if was_master => link.depose().await,
        Operation::Seal => link.seal().await,
        Operation::Pause => link.hold(PAUSE_MAX).await,
        Operation::Promote => link.promote().await,
        Operation::Follow(address) => link.follow_now(address).await,
        Operation::Open => link.open().await,
        Operation::Fence => server.shut_out(link).await,
        Operation::EndScript => link.end_script().await,
        Operation::Start | Operation::Kill | Operation::Stop => {
            return Err("no order for redis-server".to_owned());
        }
    };
    seen.map(|info| looking::full(&info))
        .map_err(|error| error.to_string())
}
