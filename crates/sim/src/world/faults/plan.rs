//! When which fault happens. Each seed uses a random subset of the kinds (swarm testing), so that one kind
//! does not hide what another would bring to light.

use super::story::{STORIES, story};
use super::{Fault, Way};
use crate::model::Micros;
use crate::rng::Rng;
use crate::world::network::Place;

/// Kinds of faults that come alone.
const SINGLE: usize = 25;

/// Kinds of all faults: the last ones are stories of several.
const KINDS: usize = SINGLE + STORIES;

/// The faults of a run, in the order of their time.
pub(in crate::world) fn plan(
    rng: &mut Rng,
    nodes: usize,
    sentinels: usize,
    until: Micros,
) -> Vec<(Micros, Fault)> {
    let kinds: Vec<usize> = (0..KINDS).filter(|_| rng.chance(250)).collect();
    let mut faults = Vec::new();
    let mean = rng.between(300_000, 3_000_000);
    let mut at = 500_000 + rng.between(0, 2_500_000);
    while at < until {
        let kind = rng.pick(&kinds).copied();
        if let Some(kind) = kind.filter(|kind| *kind >= SINGLE) {
            faults.extend(story(
                rng,
                kind - SINGLE,
                at,
                nodes as u64,
                sentinels as u64,
            ));
        } else if let Some(kind) = kind {
            faults.push((at, draw(rng, kind, nodes as u64, sentinels as u64)));
        }
        at += rng.between(1_000, 2 * mean);
    }
    faults
}

fn draw(rng: &mut Rng, kind: usize, nodes: u64, sentinels: u64) -> Fault {
    let node = rng.below(nodes) as usize;
    let sentinel = rng.below(sentinels) as usize;
    let (a, b) = (place(rng, nodes, sentinels), place(rng, nodes, sentinels));
    let way = *rng
        .pick(&[Way::Both, Way::Both, Way::Out, Way::In])
        .unwrap_or(&Way::Both);
    match kind {
        0 | 1 => Fault::KillRedis(node),
        2 => Fault::KillPod(node),
        3 => Fault::PowerLoss(node),
        4 => Fault::LoseVolume(node),
        5 if rng.chance(500) => Fault::PowerLossOfAll,
        5 => Fault::PowerLossOfEverything,
        6 => Fault::FreezeRedis(node),
        7 => Fault::FreezeAgent(node),
        8 => Fault::FreezePod(node),
        9 => Fault::FreezeSentinel(sentinel),
        10 => Fault::FreezeAll,
        11 | 12 => Fault::KillSentinel(sentinel),
        13 => Fault::WipeSentinel(sentinel),
        14 => Fault::Isolate(Place::Node(node), way),
        15 => Fault::Isolate(Place::Sentinel(sentinel), way),
        16 => Fault::Split(rng.bits()),
        17 => Fault::CutPair(a, b, way),
        18 => Fault::CutReplication,
        19 => Fault::SlowPair(a, b),
        20 if rng.chance(500) => Fault::FullDisk(node),
        20 => Fault::FullSentinelDisk(sentinel),
        21 => Fault::Handoff,
        22 => Fault::StopPod(node),
        23 => Fault::SwapAddresses(node, rng.below(nodes) as usize),
        _ if rng.chance(500) => Fault::ForeignData(node),
        _ => Fault::Tamper(node),
    }
}

fn place(rng: &mut Rng, nodes: u64, sentinels: u64) -> Place {
    let index = rng.below(nodes + sentinels);
    if index < nodes {
        Place::Node(index as usize)
    } else {
        Place::Sentinel((index - nodes) as usize)
    }
}
