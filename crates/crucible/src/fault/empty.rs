//! A primary that comes back at once, without its data: the classic way to lose everything.

use crate::fault::Scene;
use crate::target::{files, process};
use anyhow::Result;
use std::time::{Duration, Instant};

/// Deletion goes on this long after the kill.
const WINDOW: Duration = Duration::from_millis(50);

/// Kills the primary's redis-server and deletes its data files before it can read them again.
pub async fn kill_and_delete(scene: &mut Scene<'_>) -> Result<()> {
    let primary = scene.primary().clone();
    // Started again as fast as the process table allows, but not before the files are gone.
    scene.system.set_restart_delay_ms(20);
    scene.kill(primary.server_pid)?;
    let start = Instant::now();
    while primary.server_pid.is_some_and(process::alive) && start.elapsed() < WINDOW {
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    files::delete_data(&primary.data_dir);
    tokio::time::sleep(Duration::from_millis(3)).await;
    // Files that a dying child of the old process renamed into place meanwhile; a fresh process that already serves keeps its own.
    let restarted = scene.system.group()?.nodes[scene.primary].server_pid != primary.server_pid;
    if !restarted {
        files::delete_data(&primary.data_dir);
    }
    Ok(())
}
