//! Whether every node holds the same: a returned primary that keeps what was rolled back is a time bomb.

use crate::check::Survived;
use crate::history::History;
use crate::target::Group;
use anyhow::Result;
use std::time::{Duration, Instant};

/// Replicas may still be reading the last bytes.
const PATIENCE: Duration = Duration::from_secs(3);

/// Names of the nodes whose data of this round is not what the primary at `primary` holds.
pub async fn diverged(
    group: &Group,
    primary: &str,
    history: &History,
    truth: &Survived,
) -> Result<Vec<String>> {
    let mut different = vec![];
    for node in group.nodes.iter().filter(|node| node.address != primary) {
        if !agrees(&node.address, history, truth).await? {
            different.push(node.name.clone());
        }
    }
    Ok(different)
}

async fn agrees(address: &str, history: &History, truth: &Survived) -> Result<bool> {
    let start = Instant::now();
    loop {
        if Survived::read(address, history).await? == *truth {
            return Ok(true);
        }
        if start.elapsed() > PATIENCE {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
