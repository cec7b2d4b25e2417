//! Waiting until clients can write.

use crate::event::Event;
use crate::group::LocalGroup;
use holdfast_core::status::GroupStatus;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::time::{Instant, sleep};

const ASK_EVERY: Duration = Duration::from_millis(25);
/// A process that died this often in a row before the group ever was ready will not get well by itself.
const HOPELESS_DEATHS: usize = 4;

/// So long every redis-server fails to start, in several tries each, before it is given up.
const HOPELESS_DOWN: Duration = Duration::from_secs(2);

/// Why the group is not ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// A process does not stay up.
    #[error("{0}")]
    Hopeless(String),
    /// Somebody took a port between the look for a free one and its use.
    #[error("{0}")]
    PortTaken(String),
    /// Nothing is broken, but no primary took writes in time.
    #[error("no primary takes writes after {} s{}", .0.as_secs(), .1.as_deref().map(|t| format!(": {t}")).unwrap_or_default())]
    TooLong(Duration, Option<String>),
}

impl LocalGroup {
    /// Waits until a sentinel names a primary that takes writes.
    ///
    /// # Errors
    /// [`NotReady`], with the sentence that explains it.
    pub async fn ready(&self, within: Duration) -> Result<GroupStatus, NotReady> {
        let deadline = Instant::now() + within;
        let (client, mut events) = (self.client(), self.events());
        let (mut trouble, mut down) = (None, Down::default());
        while Instant::now() < deadline {
            if let Ok(status) = client.status().await {
                if takes_writes(&status) {
                    return Ok(status);
                }
                down.see(&status)?;
                trouble = status.trouble;
            }
            hopeless(&mut events)?;
            sleep(ASK_EVERY).await;
        }
        Err(NotReady::TooLong(within, trouble))
    }
}

/// How long not one redis-server has stayed up.
#[derive(Default)]
struct Down(Option<Instant>);

impl Down {
    fn see(&mut self, status: &GroupStatus) -> Result<(), NotReady> {
        let why = status.nodes.first().and_then(|node| node.reason.as_ref());
        let (Some(why), true) = (why, status.nodes.iter().all(|node| node.state == "down")) else {
            self.0 = None;
            return Ok(());
        };
        if self.0.get_or_insert_with(Instant::now).elapsed() < HOPELESS_DOWN {
            return Ok(());
        }
        Err(NotReady::Hopeless(format!(
            "no redis-server stays up; {}: {why}",
            status.nodes[0].name
        )))
    }
}

/// Whether the status names a primary that clients may write to.
fn takes_writes(status: &GroupStatus) -> bool {
    let Some(primary) = &status.primary else {
        return false;
    };
    status.primary_address.is_some()
        && status
            .nodes
            .iter()
            .any(|node| node.name == *primary && node.writable)
}

fn hopeless(events: &mut Receiver<Event>) -> Result<(), NotReady> {
    while let Ok(event) = events.try_recv() {
        if let Event::Ended {
            name,
            role,
            how,
            said,
            again_in,
            deaths,
        } = &event
            && (*deaths >= HOPELESS_DEATHS || again_in.is_none())
        {
            let said = said.as_deref().unwrap_or("its log says nothing");
            return Err(NotReady::Hopeless(format!(
                "the {role} of {name} does not stay up ({how}): {said}"
            )));
        }
    }
    Ok(())
}
