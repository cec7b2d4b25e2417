//! Planned changes of primary.

use crate::client::Directory;
use crate::client::connection::ask;
use crate::fault::Scene;
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// How long a sentinel may take to accept the request, and in Holdfast to carry it out.
const LIMIT: Duration = Duration::from_secs(5);
/// Handoffs in a storm.
const STORM: usize = 10;
/// A handoff of a storm that is not over after this is left behind.
const TURN: Duration = Duration::from_secs(3);

/// Asks any sentinel for a handoff.
pub async fn request(scene: &mut Scene<'_>) -> Result<()> {
    let sentinel = scene.some_sentinel()?;
    scene.strike();
    demand(&sentinel.address, &scene.group.group).await
}

/// Many handoffs, each asked of another sentinel as soon as the one before shows. Refusals (`INPROG`) are tried again.
pub async fn storm(scene: &mut Scene<'_>) -> Result<()> {
    let mut directory = Directory::new(
        scene.group.sentinel_addresses(),
        &scene.group.group,
        Duration::from_millis(300),
    );
    for _ in 0..STORM {
        let sentinel = scene.some_sentinel()?;
        let before = directory.locate().await;
        scene.strike();
        let _ = demand(&sentinel.address, &scene.group.group).await;
        wait_for_change(&mut directory, before.as_deref()).await;
    }
    Ok(())
}

/// Asks each of `sentinels` in turn for a handoff of `group`, as soon as the one before was answered. Refusals are no matter here.
pub async fn series(sentinels: Vec<String>, group: String) {
    for sentinel in sentinels {
        if let Err(error) = demand(&sentinel, &group).await {
            tracing::debug!("{error:#}");
        }
    }
}

async fn wait_for_change(directory: &mut Directory, before: Option<&str>) {
    let start = Instant::now();
    while start.elapsed() < TURN {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if directory.locate().await.as_deref() != before {
            return;
        }
    }
}

async fn demand(sentinel: &str, group: &str) -> Result<()> {
    match ask(sentinel, &["SENTINEL", "FAILOVER", group], LIMIT).await {
        Ok(reply) => match reply.error() {
            Some(error) => bail!("SENTINEL FAILOVER at {sentinel}: {error}"),
            None => Ok(()),
        },
        Err(error) => bail!("SENTINEL FAILOVER at {sentinel}: {error:?}"),
    }
}
