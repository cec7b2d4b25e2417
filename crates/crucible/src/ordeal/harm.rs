//! Blows that a client deals, or that meet a file: what they do takes a moment, or goes on beside all else.

use crate::client::connection::ask;
use crate::fault::hostile::{ENDLESS, forge_for, pause_clients};
use crate::fault::{Remedy, Scene, copies};
use crate::ordeal::blow::Blow;
use crate::target::{NodeProcess, files, process};
use anyhow::{Context, Result, ensure};
use std::time::Duration;

/// A process that was killed is gone within this time.
const GONE: Duration = Duration::from_secs(1);
/// The client of a script leaves after this.
const PATIENCE: Duration = Duration::from_millis(300);

/// Whether a blow is one of these.
pub(super) fn knows(blow: Blow) -> bool {
    matches!(
        blow,
        Blow::FailedCopy
            | Blow::TruncatedAof
            | Blow::LostManifest
            | Blow::EndlessScript
            | Blow::ClientPause
            | Blow::ForgedAck
    )
}

/// Deals it to `node`, for `length` where it lasts.
pub(super) async fn harm(
    blow: Blow,
    node: &NodeProcess,
    length: Duration,
    scene: &mut Scene<'_>,
) -> Result<()> {
    match blow {
        Blow::FailedCopy => return copies::fail_one(scene, node),
        Blow::TruncatedAof => {
            kill_node(scene, node).await?;
            files::truncate_aof(&node.data_dir)?;
        }
        Blow::LostManifest => {
            kill_node(scene, node).await?;
            let (path, kept) = files::lose_manifest(&node.data_dir)?;
            scene.remedies.push(Remedy::PutBack(path, kept));
        }
        Blow::EndlessScript => {
            let script = ENDLESS[scene.dice.below(ENDLESS.len())];
            // No answer is the point of it.
            let _ = ask(&node.address, &["EVAL", script, "0"], PATIENCE).await;
        }
        Blow::ClientPause => pause_clients(&node.address, length).await,
        _ => forge(scene, length)?,
    }
    Ok(())
}

/// In the name of the first node that is not the primary.
fn forge(scene: &Scene<'_>, length: Duration) -> Result<()> {
    let primary = scene.primary().address.clone();
    let mut others = scene.group.nodes.iter();
    let other = others.find(|node| node.address != primary);
    let member = other.context("find a replica")?.address.clone();
    tokio::spawn(async move { forge_for(&primary, &member, length).await });
    Ok(())
}

/// Until both are gone, or whoever started them may have done so again: then their files are in use.
async fn kill_node(scene: &mut Scene<'_>, node: &NodeProcess) -> Result<()> {
    let head = node.agent_pid.or(node.server_pid);
    scene.kill(head)?;
    scene.kill(node.server_pid)?;
    let pids: Vec<i32> = [head, node.server_pid].into_iter().flatten().collect();
    ensure!(
        process::wait_gone(&pids, GONE).await,
        "{} is not gone after {GONE:?}",
        node.name
    );
    Ok(())
}
