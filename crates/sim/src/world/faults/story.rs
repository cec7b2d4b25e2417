//! Faults that follow each other in a way that chance alone seldom finds.

use super::Fault;
use crate::model::Micros;
use crate::rng::Rng;

/// How many stories there are.
pub(super) const STORIES: usize = 5;

/// The story of this number, told from `at` on.
pub(super) fn story(
    rng: &mut Rng,
    kind: usize,
    at: Micros,
    nodes: u64,
    sentinels: u64,
) -> Vec<(Micros, Fault)> {
    let (node, sentinel) = (rng.below(nodes) as usize, rng.below(sentinels) as usize);
    match kind {
        0 => divergence(rng, at),
        1 => return_unheard(rng, at, sentinels),
        2 => vec![(at, Fault::StrandWithReader(rng.between(600_000, 2_000_000)))],
        3 => left_behind(rng, at, node, sentinel),
        _ => desertion(rng, at, node, sentinel),
    }
}

/// The primary goes on alone for a while and writes more than its successor, which ends just when it
/// comes back.
fn divergence(rng: &mut Rng, at: Micros) -> Vec<(Micros, Fault)> {
    let stranded = rng.between(450_000, 1_300_000);
    let end = at + stranded - 100_000 + rng.below(400_000);
    vec![
        (at, Fault::StrandPrimary(stranded)),
        (end, Fault::KillPrimary),
    ]
}

/// The primary comes back while it is being deposed, and the sentinel that deposes it does not hear it.
/// It may be slow to obey, and another sentinel may know of nothing.
fn return_unheard(rng: &mut Rng, at: Micros, sentinels: u64) -> Vec<(Micros, Fault)> {
    let hidden = rng.between(800_000, 1_500_000);
    let stranded = rng.between(250_000, 500_000);
    let other = 1 + rng.below(sentinels - 1) as usize;
    let mut faults = vec![(at, Fault::HidePrimary(0, hidden))];
    if rng.chance(500) {
        faults.push((at, Fault::StallPrimaryDisk(hidden)));
    }
    if rng.chance(500) {
        faults.push((at, Fault::LeaveBehind(other, hidden)));
    }
    faults.push((at, Fault::StrandPrimary(stranded)));
    faults
}

/// A sentinel misses an election; then it is the only one that a restarted node reaches.
fn left_behind(rng: &mut Rng, at: Micros, node: usize, sentinel: usize) -> Vec<(Micros, Fault)> {
    let election = at + rng.between(100_000, 500_000);
    let corner = election + rng.between(500_000, 2_000_000);
    let restart = corner + rng.between(10_000, 200_000);
    vec![
        (at, Fault::LeaveBehind(sentinel, restart + 1_000_000 - at)),
        (election, Fault::KillPrimary),
        (corner, Fault::Corner(node, sentinel)),
        (restart, Fault::KillPod(node)),
    ]
}

/// The primary goes on with a sentinel that misses the election of its successor; a node that was sealed for that election
/// loses its volume and comes back to them.
fn desertion(rng: &mut Rng, at: Micros, node: usize, sentinel: usize) -> Vec<(Micros, Fault)> {
    let stays = rng.between(300_000, 1_200_000);
    let long = stays + rng.between(500_000, 2_500_000);
    let desert = Fault::Desert {
        sentinel,
        node,
        stays,
        long,
    };
    vec![(at, desert)]
}
