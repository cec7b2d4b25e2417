//! Full copies that fail after the memory was emptied for them.
//!
//! redis-server empties its memory before it renames the file that it received, and the rename fails where that file is
//! mounted, as a `subPath` of Kubernetes is. It lives on without a key, with all its data in its append-only files, and copies
//! again.

use crate::fault::{Remedy, Scene};
use crate::target::{Mount, NodeProcess};
use anyhow::{Context, Result};
use std::time::Duration;

/// Time for the servers to come back, and to fail often.
const FAILING: Duration = Duration::from_secs(5);
/// Longer than a group waits for its primary before it chooses among the others.
const AWAY: Duration = Duration::from_secs(13);

/// Copies fail for so long once the primary is back; then they may succeed, since no group has a second copy of a write before.
const BACK: Duration = Duration::from_secs(4);

/// Lets the copies of all replicas fail, and the primary stand still meanwhile for longer than the group waits for it.
pub async fn fail(scene: &mut Scene<'_>) -> Result<()> {
    let primary = scene.primary().clone();
    let replicas = scene
        .group
        .nodes
        .iter()
        .filter(|node| node.name != primary.name);
    for replica in replicas.cloned().collect::<Vec<_>>() {
        fail_one(scene, &replica)?;
    }
    tokio::time::sleep(FAILING).await;
    let mounts = scene.remedies.len();
    for pid in [primary.agent_pid, primary.server_pid]
        .into_iter()
        .flatten()
    {
        scene.freeze(Some(pid))?;
    }
    tokio::time::sleep(AWAY).await;
    // It comes back before writes can: nobody else has what was written last.
    for remedy in scene.remedies.split_off(mounts) {
        remedy.apply(scene.system)?;
    }
    tokio::time::sleep(BACK).await;
    for mount in std::mem::take(&mut scene.remedies) {
        mount.apply(scene.system)?;
    }
    Ok(())
}

/// Kills a redis-server, which then needs a copy, and lets that fail until the end of the fault.
pub(crate) fn fail_one(scene: &mut Scene<'_>, node: &NodeProcess) -> Result<()> {
    let keeper = node.agent_pid.or(node.server_pid);
    let keeper = keeper.context("mount over a file of a node that is not running")?;
    let mount = Mount::over(&node.data_dir.join("dump.rdb"), keeper)?;
    scene.remedies.push(Remedy::Unmount(mount));
    scene.kill(node.server_pid)
}
