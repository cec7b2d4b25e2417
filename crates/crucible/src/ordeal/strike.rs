//! Carrying out one blow.

use crate::clock::{self, Micros};
use crate::fault::inject::JUMP_MS;
use crate::fault::{Remedy, Scene, handoff, power};
use crate::ordeal::blow::Blow;
use crate::ordeal::harm::{self, harm};
use crate::ordeal::plan::Planned;
use crate::ordeal::wounds::{SENTINEL_BACK, Wounds};
use crate::target::interposer::Orders;
use crate::target::network::{Place, Side};
use crate::target::{NodeProcess, files, process};
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use serde::Serialize;
use std::time::Duration;

const SLOW_SYNC: Duration = Duration::from_millis(150);
/// Handoffs of a storm.
const STORM: usize = 4;

/// A blow that fell.
#[derive(Clone, Debug, Serialize)]
pub struct Struck {
    /// When, on the crucible's clock, in microseconds.
    pub at: Micros,
    /// When it ended; the same where it does not last.
    pub until: Micros,
    /// What.
    pub blow: Blow,
    /// Whom it hit.
    pub whom: String,
    /// Why it missed, if it did.
    pub missed: Option<String>,
}

/// Strikes; what must be undone is in `scene`. A process that is down already cannot be hit: then the blow misses.
pub async fn strike(planned: &Planned, scene: &mut Scene<'_>, wounds: &mut Wounds) -> Struck {
    let now = clock::now();
    let lasts = if planned.blow.lasts() {
        planned.length
    } else {
        Duration::ZERO
    };
    let mut struck = Struck {
        at: now,
        until: now + lasts.as_micros() as Micros,
        blow: planned.blow,
        whom: String::new(),
        missed: None,
    };
    if let Err(error) = hit(planned, scene, wounds, &mut struck).await {
        struck.missed = Some(format!("{error:#}"));
    }
    struck
}

async fn hit(
    planned: &Planned,
    scene: &mut Scene<'_>,
    wounds: &mut Wounds,
    struck: &mut Struck,
) -> Result<()> {
    if matches!(planned.blow, Blow::KillEverything | Blow::LosePower) {
        return hit_all(planned.blow, scene, struck).await;
    }
    let sentinel = if planned.blow.takes_sentinel() {
        Some(take_sentinel(scene, wounds, struck)?)
    } else {
        None
    };
    let node = choose(planned, scene, wounds);
    if planned.blow.wounds() {
        wounds.wound(node, struck.until);
    }
    let victim = scene.group.nodes[node].clone();
    match (planned.blow, sentinel) {
        (Blow::KillSentinel | Blow::FreezeSentinel | Blow::PullSentinelCable, Some(sentinel)) => {
            hit_sentinel(planned.blow, sentinel, scene, struck)
        }
        (Blow::Handoff | Blow::HandoffStorm, _) => {
            struck.whom = "the primary".to_owned();
            demand(planned.blow, scene)
        }
        (blow, sentinel) if is_network(blow) => {
            struck.whom.clone_from(&victim.name);
            cut(blow, node, sentinel, scene, struck)
        }
        (blow, _) if harm::knows(blow) => {
            struck.whom.clone_from(&victim.name);
            harm(blow, &victim, planned.length, scene).await
        }
        (blow, _) => {
            struck.whom.clone_from(&victim.name);
            hit_node(blow, &victim, scene)
        }
    }
}

fn is_network(blow: Blow) -> bool {
    blow.family() == "network"
}

/// The node that rules, or any; within the limit of wounds.
fn choose(planned: &Planned, scene: &mut Scene<'_>, wounds: &Wounds) -> usize {
    let any = scene.dice.below(scene.group.nodes.len());
    let wanted = if planned.ruler { scene.primary } else { any };
    if planned.blow.wounds() {
        wounds.aim(wanted, scene.dice.below(64))
    } else {
        wanted
    }
}

fn take_sentinel(scene: &mut Scene<'_>, wounds: &mut Wounds, struck: &Struck) -> Result<usize> {
    let count = scene.group.sentinels.len();
    let index = scene.dice.below(count);
    anyhow::ensure!(
        wounds.may_take_sentinel(index, count, struck.at),
        "too many sentinels would be away"
    );
    wounds.take_sentinel(index, struck.until + SENTINEL_BACK);
    Ok(index)
}

fn hit_sentinel(
    blow: Blow,
    index: usize,
    scene: &mut Scene<'_>,
    struck: &mut Struck,
) -> Result<()> {
    let sentinel = scene.group.sentinels[index].clone();
    struck.whom = sentinel.name;
    match blow {
        Blow::KillSentinel => scene.kill(sentinel.pid),
        Blow::FreezeSentinel => scene.freeze(sentinel.pid),
        _ => {
            let place = scene.network()?.sentinel(index);
            scene.remedies.push(Remedy::Mend(place.clone()));
            scene.network()?.cut(&place)
        }
    }
}

fn hit_node(blow: Blow, node: &NodeProcess, scene: &mut Scene<'_>) -> Result<()> {
    // Stock Redis has no agent: there its server is the node.
    let head = node.agent_pid.or(node.server_pid);
    match blow {
        Blow::KillServer => scene.kill(node.server_pid),
        Blow::FreezeServer => scene.freeze(node.server_pid),
        Blow::KillAgent => scene.kill(head),
        Blow::FreezeAgent => scene.freeze(head),
        Blow::KillNode => scene.kill(head).and_then(|()| scene.kill(node.server_pid)),
        Blow::FreezeNode => scene
            .freeze(head)
            .and_then(|()| scene.freeze(node.server_pid)),
        Blow::WipeNode => {
            let killed = scene.kill(head).and(scene.kill(node.server_pid));
            files::delete_data(&node.data_dir);
            killed
        }
        Blow::RestartNode => process::send(
            head.context("stop a node that is not running")?,
            Signal::SIGTERM,
        ),
        Blow::DiskFull => scene.disturb(node.server_pid, Orders::full_disk()),
        Blow::SlowDisk => scene.disturb(node.server_pid, Orders::slow_disk(SLOW_SYNC)),
        Blow::ClockJump => {
            let ahead = if scene.dice.below(2) == 0 {
                JUMP_MS
            } else {
                -JUMP_MS
            };
            scene.disturb(node.server_pid, Orders::clock(ahead))
        }
        _ => anyhow::bail!("{} is no blow to a node", blow.name()),
    }
}

fn cut(
    blow: Blow,
    node: usize,
    sentinel: Option<usize>,
    scene: &mut Scene<'_>,
    struck: &mut Struck,
) -> Result<()> {
    let network = scene.network()?;
    let place = network.node(node);
    let group = network.others(&[&place]);
    let clients = vec![network.clients()];
    let everybody: Vec<String> = group.iter().cloned().chain(clients.clone()).collect();
    let cuts: Vec<(Place, Vec<String>, Side)> = match blow {
        Blow::PullCable => {
            scene.remedies.push(Remedy::Mend(place.clone()));
            return network.cut(&place);
        }
        Blow::CutFromGroup => vec![(place, group, Side::Both)],
        Blow::CutFromClients => vec![(place, clients, Side::Both)],
        Blow::Deaf => vec![(place, everybody, Side::In)],
        Blow::Mute => vec![(place, everybody, Side::Out)],
        Blow::Split => split(node, sentinel.unwrap_or(0), scene, struck)?,
        _ => vec![(place, everybody, Side::Some)],
    };
    for (place, peers, side) in cuts {
        let filter = network.filter(&place, &peers, side);
        scene.remedies.push(Remedy::Open(filter.clone()));
        filter.close()?;
    }
    Ok(())
}

/// A node, its neighbour and a sentinel on one side.
fn split(
    node: usize,
    sentinel: usize,
    scene: &Scene<'_>,
    struck: &mut Struck,
) -> Result<Vec<(Place, Vec<String>, Side)>> {
    let network = scene.network()?;
    let neighbour = (node + 1) % scene.group.nodes.len();
    struck.whom = format!(
        "{}, {} and {}",
        scene.group.nodes[node].name,
        scene.group.nodes[neighbour].name,
        scene.group.sentinels[sentinel].name
    );
    let places = [
        network.node(node),
        network.node(neighbour),
        network.sentinel(sentinel),
    ];
    let others = network.others(&places.iter().collect::<Vec<_>>());
    Ok(places
        .into_iter()
        .map(|place| (place, others.clone(), Side::Both))
        .collect())
}

async fn hit_all(blow: Blow, scene: &mut Scene<'_>, struck: &mut Struck) -> Result<()> {
    struck.whom = "everything".to_owned();
    if blow == Blow::LosePower {
        let gone = power::fail(scene).await?;
        struck.whom = format!("everything, and {gone} bytes that were not synced");
        return Ok(());
    }
    let pids = scene.group.pids();
    pids.into_iter().try_for_each(|pid| scene.kill(Some(pid)))
}

/// Asks for handoffs without waiting for them: the next blow may fall in their midst.
fn demand(blow: Blow, scene: &mut Scene<'_>) -> Result<()> {
    let times = if blow == Blow::Handoff { 1 } else { STORM };
    let sentinels: Vec<String> = (0..times)
        .map(|_| Ok(scene.some_sentinel()?.address))
        .collect::<Result<_>>()?;
    tokio::spawn(handoff::series(sentinels, scene.group.group.clone()));
    Ok(())
}
