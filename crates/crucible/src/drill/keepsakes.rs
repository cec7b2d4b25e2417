//! Data that every node had before the fault: no fault of one node, and no damage to one disk, may take them.

use crate::check::Verdict;
use crate::client::connection::ask;
use crate::client::{Connection, Directory};
use crate::target::{Group, System};
use anyhow::{Result, anyhow, ensure};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const COUNT: usize = 200;
const LIMIT: Duration = Duration::from_secs(2);
/// Replicas have what was written within this time.
const SETTLED: Duration = Duration::from_secs(10);
/// How often the primary is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Keys, and a watch that looks for them at whichever node the sentinels name.
#[derive(Debug)]
pub struct Keepsakes {
    names: Vec<String>,
    empty: Arc<AtomicU64>,
    watch: tokio::task::JoinHandle<()>,
}

impl Keepsakes {
    /// Writes them on `primary`, waits until every node has them, and looks for them from now on.
    ///
    /// # Errors
    /// When they cannot be written, or do not reach a node.
    pub async fn lay(system: &System, primary: &str, tag: &str) -> Result<Self> {
        let names: Vec<String> = (0..COUNT).map(|n| format!("keepsake:{tag}:{n}")).collect();
        let mut command = vec!["MSET".to_owned()];
        command.extend(
            names
                .iter()
                .flat_map(|name| [name.clone(), "kept".to_owned()]),
        );
        let mut connection = Connection::open(primary, LIMIT)
            .await
            .map_err(|error| anyhow!("{error:?}"))?;
        let reply = connection.call(&command, LIMIT).await;
        let reply = reply.map_err(|error| anyhow!("{error:?}"))?;
        ensure!(reply.error().is_none(), "keepsakes were refused: {reply:?}");
        let group = system.group()?;
        wait_until_settled(&group, &names).await?;
        let empty = Arc::new(AtomicU64::new(0));
        let watch = tokio::spawn(watch(group, names.clone(), empty.clone()));
        Ok(Self {
            names,
            empty,
            watch,
        })
    }

    /// Looks what is left of them on `primary`, notes it in `verdict`, and clears them away.
    ///
    /// # Errors
    /// When the primary does not answer.
    pub async fn judge(&self, primary: &str, verdict: &mut Verdict) -> Result<()> {
        let there = count(primary, &self.names).await?;
        verdict.erased = COUNT as u64 - there;
        verdict.empty_served = self.empty.load(Ordering::Relaxed);
        let mut command = vec!["UNLINK".to_owned()];
        command.extend(self.names.iter().cloned());
        let _ = ask(primary, &command, LIMIT).await;
        Ok(())
    }
}

impl Drop for Keepsakes {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// How many of `names` the node at `address` has.
async fn count(address: &str, names: &[String]) -> Result<u64> {
    let mut command = vec!["EXISTS".to_owned()];
    command.extend(names.iter().cloned());
    let reply = ask(address, &command, LIMIT).await;
    let reply = reply.map_err(|error| anyhow!("{address}: {error:?}"))?;
    let found = reply
        .as_integer()
        .and_then(|found| u64::try_from(found).ok());
    found.ok_or_else(|| anyhow!("{address}: EXISTS: {reply:?}"))
}

async fn wait_until_settled(group: &Group, names: &[String]) -> Result<()> {
    let began = Instant::now();
    for node in &group.nodes {
        while count(&node.address, names).await.unwrap_or(0) < COUNT as u64 {
            ensure!(began.elapsed() < SETTLED, "{} lacks keepsakes", node.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

/// Counts the looks that find none of them. No answer, or an error, is no empty data set.
async fn watch(group: Group, names: Vec<String>, empty: Arc<AtomicU64>) {
    let limit = Duration::from_millis(300);
    let mut directory = Directory::new(group.sentinel_addresses(), &group.group, limit);
    loop {
        if let Some(primary) = directory.locate().await
            && let Ok(Ok(0)) = tokio::time::timeout(limit, count(&primary, &names)).await
        {
            empty.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
