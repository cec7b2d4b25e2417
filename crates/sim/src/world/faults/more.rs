//! The faults of the kinds that may be switched off. They are drawn apart, so that they shift nothing else.

use super::Fault;
use super::putback::Part;
use super::versions;
use crate::kind::FaultKind;
use crate::model::{CopyFault, Micros};
use crate::rng::Rng;
use crate::world::World;
use std::collections::BTreeSet;

/// A pause that its client renews for ever.
const RENEWED_US: Micros = 3_600_000_000;

/// How many nodes and sentinels there are.
#[derive(Clone, Copy, Debug)]
pub(in crate::world) struct Size {
    pub(in crate::world) nodes: u64,
    pub(in crate::world) sentinels: u64,
}

/// Of the kinds that are switched on each comes to a third of the runs, up to three times.
pub(in crate::world) fn more(
    rng: &mut Rng,
    kinds: &BTreeSet<FaultKind>,
    size: Size,
    until: Micros,
) -> Vec<(Micros, Fault)> {
    let mut faults = Vec::new();
    for kind in kinds {
        let times = if rng.chance(333) {
            rng.between(1, 3)
        } else {
            0
        };
        for _ in 0..times {
            let at = rng.between(2_500_000, until);
            faults.extend(draw(rng, *kind, at, size));
        }
    }
    faults
}

impl World {
    /// Makes one of them happen.
    pub(super) fn on_more(&mut self, fault: &Fault, long: Micros) {
        match *fault {
            Fault::TakeSnapshots => self.take_snapshots(),
            Fault::PutBack(node, part) => self.put_back(node, part),
            Fault::PutBackAll(part) => {
                (0..self.nodes.len()).for_each(|node| self.put_back(node, part));
            }
            Fault::PutBackRegisters(many) => self.put_back_registers(many),
            Fault::SwapVolumes(a, b, whole) => self.swap_volumes(a, b, whole),
            Fault::Script(node, wrote) => {
                let node = self.aim(node);
                self.run_script(node, wrote);
            }
            Fault::PauseClients(node, long) => {
                let node = self.aim(node);
                self.pause_clients(node, long);
            }
            Fault::Install(node, newer, orderly) => self.install(node, newer, orderly, long),
            Fault::HandBack(node) => self.hand_back(node),
            _ => self.on_damage(fault, long),
        }
    }
}

fn draw(rng: &mut Rng, kind: FaultKind, at: Micros, size: Size) -> Vec<(Micros, Fault)> {
    let node = rng.below(size.nodes) as usize;
    match kind {
        FaultKind::FailedCopies => failed_copies(rng, at, node),
        FaultKind::DamagedFiles => vec![(at, World::some_damage(rng, node))],
        FaultKind::PutBack => put_back(rng, at, node, size),
        FaultKind::MixedVersions => versions::draw(rng, at, node, size),
        FaultKind::EndlessScripts => vec![(at, Fault::Script(node, rng.chance(500)))],
        FaultKind::ClientPauses => {
            let long = if rng.chance(200) {
                RENEWED_US
            } else {
                rng.between(1, 40) * 100_000
            };
            vec![(at, Fault::PauseClients(node, long))]
        }
    }
}

/// Copies to a node fail for a while, it needs one, and often the primary is gone before it has got one.
fn failed_copies(rng: &mut Rng, at: Micros, node: usize) -> Vec<(Micros, Fault)> {
    let faults = [
        CopyFault::AfterFlush,
        CopyFault::AfterFlush,
        CopyFault::HalfLoaded,
        CopyFault::BeforeFlush,
    ];
    let fault = *rng.pick(&faults).unwrap_or(&CopyFault::AfterFlush);
    let long = rng.between(1_000_000, 12_000_000);
    let dies = at + rng.between(10_000, 300_000);
    let primary = dies + rng.between(500_000, 3_000_000);
    let mut faults = vec![(at, Fault::BreakCopies(node, fault, long))];
    faults.push((dies, Fault::KillReplica(node)));
    match rng.below(4) {
        0 => faults.push((primary, Fault::KillPrimary)),
        1 => faults.push((primary, Fault::LosePrimary(rng.between(8, 15) * 1_000_000))),
        2 => faults.push((primary, Fault::PowerLossOfAll)),
        _ => {}
    }
    faults
}

/// Snapshots are taken, and something is put back later.
fn put_back(rng: &mut Rng, at: Micros, node: usize, size: Size) -> Vec<(Micros, Fault)> {
    let later = at + rng.between(500_000, 5_000_000);
    let fault = match rng.below(5) {
        0 | 1 => Fault::PutBack(node, Part::draw(rng)),
        2 => Fault::PutBackAll(Part::draw(rng)),
        3 => Fault::PutBackRegisters(match rng.below(3) {
            0 => 1,
            1 => size.sentinels.div_ceil(2) as usize,
            _ => size.sentinels as usize,
        }),
        _ => Fault::SwapVolumes(node, rng.below(size.nodes) as usize, rng.chance(500)),
    };
    vec![(at, Fault::TakeSnapshots), (later, fault)]
}
