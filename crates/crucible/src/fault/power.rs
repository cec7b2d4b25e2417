//! A loss of power of all machines at once.
//!
//! Every process is killed, and then each data file of redis-server is cut back to the length that it had when its last
//! sync began: the least that a disk may keep. It is not all that a loss of power can do: what was overwritten in place
//! and names that were not synced stay as they are, and so do the files of agents and sentinels, which the simulator covers.

use crate::fault::Scene;
use crate::fault::inject::kill_everything;
use crate::target::process;
use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use std::time::Duration;

/// Killed processes may take so long to be gone.
const GONE_LIMIT: Duration = Duration::from_secs(10);

/// Kills everything and takes what was not synced.
pub(super) async fn fail(scene: &mut Scene<'_>) -> Result<()> {
    for node in &scene.group.nodes {
        let pid = node.server_pid.context("find every redis-server")?;
        scene.interposer(pid)?;
    }
    // Whoever starts the processes again stands still until the files are cut.
    let supervisor = scene.system.supervisor();
    let supervisor = supervisor.context("find the supervisor of the group")?;
    process::send(supervisor, Signal::SIGSTOP)?;
    let done = kill_and_cut(scene).await;
    process::send(supervisor, Signal::SIGCONT)?;
    let gone = done?;
    tracing::info!("the loss of power took {gone} bytes that were not synced");
    Ok(())
}

async fn kill_and_cut(scene: &mut Scene<'_>) -> Result<u64> {
    let family = process::families(&scene.group.pids());
    kill_everything(scene)?;
    process::send_all(&family, Signal::SIGKILL);
    ensure!(
        process::wait_gone(&family, GONE_LIMIT).await,
        "processes that were killed are still there"
    );
    let interposer = scene.system.interposer().context("find the interposer")?;
    let mut gone = 0;
    for node in &scene.group.nodes {
        gone += interposer.lose_power(&node.data_dir)?;
    }
    Ok(gone)
}
