//! Whether every node holds the same: a returned primary that keeps what was rolled back is a time bomb.

use crate::check::Survived;
use crate::history::History;
use crate::target::Group;
use anyhow::Result;
use std::time::{Duration, Instant};

/// Replicas may still be reading the last bytes.
const PATIENCE: Duration = Duration::from_secs(3);

/// Names of the nodes whose data of this round is not what the primary at `primary` holds. Both are read anew with each try: what
/// a client sent before it gave up may still arrive, seconds after a cut network was mended.
pub async fn diverged(group: &Group, primary: &str, history: &History) -> Result<Vec<String>> {
    let mut different = vec![];
    for node in group.nodes.iter().filter(|node| node.address != primary) {
        if !agrees(&node.address, primary, history).await? {
            different.push(node.name.clone());
        }
    }
    Ok(different)
}

async fn agrees(address: &str, primary: &str, history: &History) -> Result<bool> {
    let start = Instant::now();
    loop {
        let truth = Survived::read(primary, history).await?;
        if Survived::read(address, history).await? == truth {
            return Ok(true);
        }
        if start.elapsed() > PATIENCE {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
