//! Faults without plan: one after the other at random, some still lasting when the next begins. At most one sentinel is hit at a
//! time, so that a majority can decide; anything may happen to the nodes.

use crate::fault::Scene;
use crate::fault::handoff;
use crate::target::{NodeProcess, process};
use anyhow::Result;
use nix::sys::signal::Signal;
use std::time::Duration;

const BLOWS: usize = 12;
/// Least time between two blows, in milliseconds.
const BREATH_MS: usize = 250;
/// Most that is added to it.
const LEISURE_MS: usize = 1750;
/// Longest freeze.
const LONGEST_FREEZE_MS: usize = 1500;

/// Strikes again and again; the group is refreshed before every blow.
pub async fn reign(scene: &mut Scene<'_>) -> Result<()> {
    scene.strike();
    for _ in 0..BLOWS {
        scene.group = scene.system.group()?;
        blow(scene).await;
        let pause = BREATH_MS + scene.dice.below(LEISURE_MS);
        tokio::time::sleep(Duration::from_millis(pause as u64)).await;
    }
    Ok(())
}

/// A process that is down already cannot be hit: then the blow misses.
async fn blow(scene: &mut Scene<'_>) {
    let index = scene.dice.below(scene.group.nodes.len());
    let node = if scene.dice.below(2) == 0 {
        ruling(scene).await
    } else {
        None
    };
    let node = node.unwrap_or_else(|| scene.group.nodes[index].clone());
    let sentinel = scene.some_sentinel().ok().and_then(|sentinel| sentinel.pid);
    match scene.dice.below(8) {
        0 => hit(node.server_pid, Signal::SIGKILL),
        1 => freeze(scene, vec![node.server_pid]),
        2 => hit(node.agent_pid.or(node.server_pid), Signal::SIGKILL),
        3 => freeze(scene, vec![node.agent_pid.or(node.server_pid)]),
        4 => [node.agent_pid, node.server_pid]
            .into_iter()
            .for_each(|pid| hit(pid, Signal::SIGKILL)),
        5 => freeze(scene, vec![node.agent_pid, node.server_pid]),
        6 => hit(sentinel, Signal::SIGKILL),
        _ => drop(handoff::request(scene).await),
    }
}

async fn ruling(scene: &Scene<'_>) -> Option<NodeProcess> {
    let group = &scene.group;
    let limit = Duration::from_millis(200);
    let mut directory =
        crate::client::Directory::new(group.sentinel_addresses(), &group.group, limit);
    group.node_at(&directory.locate().await?).cloned()
}

fn hit(pid: Option<i32>, signal: Signal) {
    if let Some(pid) = pid
        && let Err(error) = process::send(pid, signal)
    {
        tracing::warn!("{error:#}");
    }
}

/// Stops the processes for a while; thaws by itself, and at the end of the round at the latest.
fn freeze(scene: &mut Scene<'_>, pids: Vec<Option<i32>>) {
    let length = Duration::from_millis(scene.dice.below(LONGEST_FREEZE_MS) as u64);
    let pids: Vec<i32> = pids.into_iter().flatten().collect();
    scene
        .remedies
        .extend(pids.iter().map(|pid| crate::fault::Remedy::Continue(*pid)));
    process::send_all(&pids, Signal::SIGSTOP);
    tokio::spawn(async move {
        tokio::time::sleep(length).await;
        process::send_all(&pids, Signal::SIGCONT);
    });
}
