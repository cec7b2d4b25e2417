//! A loss of power of all machines at once.
//!
//! Every process is killed, and then each data file of redis-server is cut back to the length that it had when its last
//! sync began: the least that a disk may keep. It is not all that a loss of power can do: what was overwritten in place
//! and names that were not synced stay as they are, and so do the files of agents and sentinels, which the simulator covers.

use crate::fault::Scene;
use crate::fault::inject::kill_everything;
use crate::target::{Darkness, Interposer, process};
use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Killed processes may take so long to be gone.
const GONE_LIMIT: Duration = Duration::from_secs(10);

/// Kills everything and takes what was not synced: gives how many bytes. A process that is down already need not be killed.
///
/// # Errors
/// When a redis-server is out of the interposer's reach, or a file cannot be cut.
pub async fn fail(scene: &mut Scene<'_>) -> Result<u64> {
    let interposer = scene.system.interposer().context("find the interposer")?;
    let dark = scene.system.darken().await?;
    scene.group = scene.system.group()?;
    for pid in scene.group.nodes.iter().filter_map(|node| node.server_pid) {
        // One that is gone, and not told of yet, has no libraries.
        ensure!(
            interposer.reaches(pid) || !process::alive(pid),
            "pid {pid} does not load the interposer: its syncs are unknown"
        );
    }
    kill_all(scene, interposer, &dark).await?;
    let mut gone = 0;
    for node in &scene.group.nodes {
        gone += interposer.lose_power(&node.data_dir)?;
    }
    tracing::info!("the loss of power took {gone} bytes that were not synced");
    Ok(gone)
}

/// The listed processes with their families, and whoever is within reach of the interposer: the child of one that had died
/// before may still write.
async fn kill_all(scene: &mut Scene<'_>, interposer: &Interposer, dark: &Darkness) -> Result<()> {
    let family = process::families(&scene.group.pids());
    kill_everything(scene)?;
    process::send_all(&family, Signal::SIGKILL);
    let began = Instant::now();
    loop {
        let mut left = interposer.everybody();
        left.retain(|pid| Some(*pid) != dark.frozen());
        left.extend(family.iter().filter(|pid| process::alive(**pid)));
        if left.is_empty() {
            return Ok(());
        }
        ensure!(
            began.elapsed() < GONE_LIMIT,
            "processes that were killed are still there: {left:?}"
        );
        process::send_all(&left, Signal::SIGKILL);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
