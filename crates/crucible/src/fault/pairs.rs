//! Two faults at once: one hits the primary, the other any single part that the group must be able to spare.

use crate::fault::Scene;
use anyhow::Result;
use std::time::Duration;

/// Draws two faults and a pause of up to 300 ms between them.
pub async fn two(scene: &mut Scene<'_>) -> Result<()> {
    let pause = Duration::from_millis(scene.dice.below(300) as u64);
    let primary_first = scene.dice.below(2) == 0;
    if primary_first {
        hit_primary(scene)?;
        tokio::time::sleep(pause).await;
        hit_bystander(scene)
    } else {
        hit_bystander(scene)?;
        tokio::time::sleep(pause).await;
        hit_primary(scene)
    }
}

fn hit_primary(scene: &mut Scene<'_>) -> Result<()> {
    let primary = scene.primary().clone();
    match scene.dice.below(3) {
        0 => scene.kill(primary.server_pid),
        1 => scene.freeze(primary.server_pid),
        _ if primary.agent_pid.is_some() => scene
            .kill(primary.agent_pid)
            .and_then(|()| scene.kill(primary.server_pid)),
        _ => scene.kill(primary.server_pid),
    }
}

fn hit_bystander(scene: &mut Scene<'_>) -> Result<()> {
    let (replica, sentinel) = (scene.some_replica(), scene.some_sentinel()?);
    match scene.dice.below(4) {
        0 => scene.kill(replica.server_pid),
        1 => scene.freeze(replica.server_pid),
        2 => scene.kill(sentinel.pid),
        _ => scene.freeze(sentinel.pid),
    }
}
