//! The whole group stops in order and starts again, and meanwhile something happened to its files.

use crate::fault::{Remedy, Scene, handoff};
use crate::target::{NodeProcess, files, process};
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use std::time::Duration;

/// A process that was told to stop in order has so long, then it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// Time for a handoff to be over and known everywhere.
const HANDOFF: Duration = Duration::from_secs(3);
/// A sentinel's memory: Holdfast's register, and stock Sentinel's configuration.
const MEMORIES: [&str; 2] = ["register", "sentinel.conf"];

/// Cuts the append-only file of the primary, which stopped last and has every write.
pub async fn truncate(scene: &mut Scene<'_>) -> Result<()> {
    let dir = scene.primary().data_dir.clone();
    let dark = scene.system.darken().await?;
    stop_all(scene).await?;
    let gone = files::truncate_aof(&dir)?;
    tracing::info!("{gone} bytes of {} are gone", dir.display());
    drop(dark);
    Ok(())
}

/// Deletes the manifest of the primary's append-only files. It is put back at the end, as a person would who has a backup of it.
pub async fn lose_manifest(scene: &mut Scene<'_>) -> Result<()> {
    let dir = scene.primary().data_dir.clone();
    let dark = scene.system.darken().await?;
    stop_all(scene).await?;
    let (path, kept) = files::lose_manifest(&dir)?;
    scene.remedies.push(Remedy::PutBack(path, kept));
    drop(dark);
    Ok(())
}

/// Puts the memory of all sentinels back to what it was before a handoff, as snapshots of their volumes would.
pub async fn roll_registers_back(scene: &mut Scene<'_>) -> Result<()> {
    let sentinels = scene.group.sentinels.clone();
    let mut memories = vec![];
    for sentinel in &sentinels {
        let paths = MEMORIES.map(|name| sentinel.dir.join(name));
        let path = paths.into_iter().find(|path| path.exists());
        let path = path.with_context(|| format!("find the memory of {}", sentinel.name))?;
        let content = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        memories.push((path, content));
    }
    handoff::request(scene).await?;
    tokio::time::sleep(HANDOFF).await;
    let dark = scene.system.darken().await?;
    let pids: Vec<i32> = sentinels.iter().filter_map(|found| found.pid).collect();
    stop(&pids, Signal::SIGKILL).await;
    for (path, content) in memories {
        std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
    }
    drop(dark);
    Ok(())
}

/// Sentinels first, so that no primary is replaced; the primary last, so that no other node has more.
async fn stop_all(scene: &mut Scene<'_>) -> Result<()> {
    scene.strike();
    let sentinels: Vec<i32> = scene.group.sentinels.iter().filter_map(|s| s.pid).collect();
    stop(&sentinels, Signal::SIGTERM).await;
    let primary = scene.primary().name.clone();
    let (last, others): (Vec<_>, Vec<_>) = scene
        .group
        .nodes
        .iter()
        .partition(|node| node.name == primary);
    let all = |nodes: Vec<&NodeProcess>| nodes.into_iter().flat_map(pids).collect::<Vec<i32>>();
    let heads = |nodes: &[&NodeProcess]| nodes.iter().filter_map(|node| head(node)).collect();
    for nodes in [others, last] {
        let told: Vec<i32> = heads(&nodes);
        process::send_all(&told, Signal::SIGTERM);
        let left = all(nodes);
        if !process::wait_gone(&left, STOP_LIMIT).await {
            tracing::warn!("not stopped in order after {STOP_LIMIT:?}: killed");
            stop(&left, Signal::SIGKILL).await;
        }
    }
    Ok(())
}

/// Stock Redis has no agent: there its server is the node.
fn head(node: &NodeProcess) -> Option<i32> {
    node.agent_pid.or(node.server_pid)
}

fn pids(node: &NodeProcess) -> Vec<i32> {
    [node.agent_pid, node.server_pid]
        .into_iter()
        .flatten()
        .collect()
}

async fn stop(pids: &[i32], signal: Signal) {
    process::send_all(pids, signal);
    if !process::wait_gone(pids, STOP_LIMIT).await {
        process::send_all(pids, Signal::SIGKILL);
        process::wait_gone(pids, STOP_LIMIT).await;
    }
}
