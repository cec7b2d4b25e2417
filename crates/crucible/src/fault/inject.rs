//! From a drill's name to the deed.

use crate::bench::ballast;
use crate::clock;
use crate::fault::{
    Drill, Remedy, Scene, burden, chaos, cold, copies, empty, handoff, hostile, pairs, power,
    settings,
};
use crate::target::interposer::Orders;
use anyhow::Result;
use std::time::Duration;

/// How much longer an fsync takes on a slow disk.
const SLOW_SYNC: Duration = Duration::from_millis(300);
/// Data of a group whose nodes fork.
const FORK_MIB: u64 = 256;
/// How long every core is kept busy.
const SATURATED: Duration = Duration::from_secs(5);
/// How far a clock jumps.
pub(crate) const JUMP_MS: i64 = 3_600_000;

/// Injects `drill`; when it fell and what must be undone is noted in `scene`.
pub async fn inject(drill: Drill, scene: &mut Scene<'_>) -> Result<()> {
    let primary = scene.primary().clone();
    match drill {
        Drill::Crash => scene.kill(primary.server_pid),
        Drill::Freeze => scene.freeze(primary.server_pid),
        Drill::Agent => scene.kill(primary.agent_pid),
        Drill::FreezeAgent => scene.freeze(primary.agent_pid),
        Drill::Node => kill_node(scene),
        Drill::FreezeNode => scene
            .freeze(primary.agent_pid)
            .and_then(|()| scene.freeze(primary.server_pid)),
        Drill::Replica => {
            let replica = scene.some_replica();
            scene.kill(replica.server_pid)
        }
        Drill::Sentinel => {
            let sentinel = scene.some_sentinel()?;
            scene.kill(sentinel.pid)
        }
        Drill::PrimaryAndSentinel => {
            let sentinel = scene.some_sentinel()?;
            scene
                .kill(primary.server_pid)
                .and_then(|()| scene.kill(sentinel.pid))
        }
        Drill::Everything => kill_everything(scene),
        Drill::Power => power::fail(scene).await.map(|_| ()),
        Drill::RestartEmpty => empty::kill_and_delete(scene).await,
        Drill::DiskFull => order(scene, primary.server_pid, Orders::full_disk()),
        Drill::SlowDisk => order(scene, primary.server_pid, Orders::slow_disk(SLOW_SYNC)),
        Drill::ClockJump => jump_clocks(scene).await,
        Drill::LongScript => {
            scene.strike();
            burden::long_script(&scene.group).await;
            Ok(())
        }
        Drill::Fork => fork(scene).await,
        Drill::Saturated => saturate(scene).await,
        Drill::Partition => cut(scene),
        Drill::PartitionFromGroup => isolate(scene),
        Drill::TwoFaults => pairs::two(scene).await,
        Drill::Handoff => handoff::request(scene).await,
        Drill::HandoffStorm => handoff::storm(scene).await,
        Drill::Chaos => chaos::reign(scene).await,
        Drill::FailedCopy => copies::fail(scene).await,
        Drill::TruncatedAof => cold::truncate(scene).await,
        Drill::LostManifest => cold::lose_manifest(scene).await,
        Drill::EndlessScript => hostile::endless_script(scene).await,
        Drill::ClientPause => hostile::pause(scene).await,
        Drill::RegisterRollback => cold::roll_registers_back(scene).await,
        Drill::ForgedAck => hostile::forge_acks(scene).await,
        Drill::MaxclientsStorm => settings::storm(scene).await,
        Drill::OwnMaxmemory => settings::own_maxmemory(scene).await,
    }
}

/// Agent first: a supervisor must not see its child die and say so.
fn kill_node(scene: &mut Scene<'_>) -> Result<()> {
    let primary = scene.primary().clone();
    if primary.agent_pid.is_some() {
        scene.kill(primary.agent_pid)?;
    }
    scene.kill(primary.server_pid)
}

pub(super) fn kill_everything(scene: &mut Scene<'_>) -> Result<()> {
    // Agents before servers, so that no agent acts on the death of its server.
    let agents = scene.group.nodes.iter().map(|node| node.agent_pid);
    let servers = scene.group.nodes.iter().map(|node| node.server_pid);
    let sentinels = scene.group.sentinels.iter().map(|sentinel| sentinel.pid);
    let pids: Vec<_> = agents.chain(sentinels).chain(servers).flatten().collect();
    pids.into_iter().try_for_each(|pid| scene.kill(Some(pid)))
}

fn order(scene: &mut Scene<'_>, pid: Option<i32>, orders: Orders) -> Result<()> {
    scene.strike();
    scene.disturb(pid, orders)
}

/// With enough data that a fork takes its time.
async fn fork(scene: &mut Scene<'_>) -> Result<()> {
    ballast::ensure(scene.system, FORK_MIB).await?;
    scene.strike();
    burden::fork(&scene.group).await;
    Ok(())
}

async fn saturate(scene: &mut Scene<'_>) -> Result<()> {
    let hogs = burden::saturate()?;
    scene.strike();
    tokio::time::sleep(SATURATED).await;
    drop(hogs);
    Ok(())
}

async fn jump_clocks(scene: &mut Scene<'_>) -> Result<()> {
    let primary = scene.primary().clone();
    let sentinel = scene.some_sentinel()?;
    for jump in [JUMP_MS, -JUMP_MS] {
        let orders = Orders::clock(jump);
        for pid in [primary.server_pid, primary.agent_pid, sentinel.pid]
            .into_iter()
            .flatten()
        {
            order(scene, Some(pid), orders)?;
        }
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    Ok(())
}

fn cut(scene: &mut Scene<'_>) -> Result<()> {
    let place = scene.primary_place()?;
    let network = scene.network()?;
    scene.remedies.push(Remedy::Mend(place.clone()));
    network.cut(&place)?;
    // The cut holds once `ip` has done its work, some milliseconds after it was called.
    scene.event = Some(clock::now());
    Ok(())
}

fn isolate(scene: &mut Scene<'_>) -> Result<()> {
    let place = scene.primary_place()?;
    let network = scene.network()?;
    scene.remedies.push(Remedy::Reunite(place.clone()));
    scene.strike();
    network.isolate_from_group(&place)
}
