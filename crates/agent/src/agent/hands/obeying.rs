//! Orders to redis-server, one after the other.

use crate::agent::names::Names;
use crate::agent::{Notice, looking};
use crate::server::{Link, Server};
use holdfast_core::agent::{Operation, ServerInfo};
use holdfast_core::limits::PAUSE_MAX;
use std::rc::Rc;
use tokio::sync::mpsc;

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
    while let Some(operation) = orders.recv().await {
        let result = match &operation {
            Operation::Follow(primary) => {
                let reachable = Operation::Follow(names.reachable(primary).await);
                execute(&mut link, &reachable, was_master).await
            }
            operation => execute(&mut link, operation, was_master).await,
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

async fn execute(
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
        Operation::Fence => match link.fence().await {
            Ok(()) => link.info().await,
            Err(error) => Err(error),
        },
        Operation::EndScript => link.end_script().await,
        Operation::Start | Operation::Kill | Operation::Stop => {
            return Err("no order for redis-server".to_owned());
        }
    };
    seen.map(|info| looking::full(&info))
        .map_err(|error| error.to_string())
}
