//! Waiting until every process has its ports.

use crate::client::SentinelClient;
use crate::event::Event;
use crate::group::LocalGroup;
use crate::readiness::NotReady;
use holdfast_core::status::{GroupStatus, NodeStatus};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::time::{Instant, sleep};

const ASK_EVERY: Duration = Duration::from_millis(10);

/// Longer than any process takes to bind its ports; what is wrong then is told by [`LocalGroup::ready`].
const WITHIN: Duration = Duration::from_secs(2);

/// What the operating system says of a port that somebody else has.
const TAKEN: &str = "Address already in use";

impl LocalGroup {
    /// Waits until every sentinel and every redis-server has its ports, 2 s at most. Call it right after the start.
    ///
    /// # Errors
    /// [`NotReady::PortTaken`] when somebody took a port after it was found free.
    pub async fn listening(&self) -> Result<(), NotReady> {
        let mut events = self.events();
        let (client, nodes) = (self.client(), self.manifest().nodes.len());
        let deadline = Instant::now() + WITHIN;
        while Instant::now() < deadline {
            sleep(ASK_EVERY).await;
            refuse_taken(&mut events)?;
            if all_listen(&client, nodes).await? {
                break;
            }
        }
        Ok(())
    }
}

fn refuse_taken(events: &mut Receiver<Event>) -> Result<(), NotReady> {
    while let Ok(event) = events.try_recv() {
        if let Event::Ended {
            name,
            said: Some(said),
            ..
        } = event
            && said.contains(TAKEN)
        {
            return Err(NotReady::PortTaken(format!("{name}: {said}")));
        }
    }
    Ok(())
}

async fn all_listen(client: &SentinelClient, nodes: usize) -> Result<bool, NotReady> {
    let mut bound = false;
    for address in client.addresses() {
        match client.status_of(address).await {
            Ok(status) => bound |= all_bound(&status, nodes)?,
            Err(_) => return Ok(false),
        }
    }
    Ok(bound)
}

/// Whether every node's redis-server has its port, as one sentinel has heard.
fn all_bound(status: &GroupStatus, nodes: usize) -> Result<bool, NotReady> {
    if let Some(why) = status.nodes.iter().find_map(port_taken) {
        return Err(NotReady::PortTaken(why));
    }
    let unbound = ["starting", "down", "gone", "silent"];
    let bound = |node: &&NodeStatus| !unbound.contains(&node.state.as_str());
    Ok(status.nodes.iter().filter(bound).count() >= nodes)
}

fn port_taken(node: &NodeStatus) -> Option<String> {
    let reason = node.reason.as_deref()?;
    reason
        .contains(TAKEN)
        .then(|| format!("{}: {reason}", node.name))
}
