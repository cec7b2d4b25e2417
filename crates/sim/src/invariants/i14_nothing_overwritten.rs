//! I14: no file that is the last to hold what was acknowledged is overwritten, or passed over in silence: not by a start that
//! reads other files, not by a copy of an empty primary, not by a server that was emptied and writes its files again.

use crate::model::Micros;
use crate::report::Violation;
use crate::world::World;
use std::collections::BTreeSet;

/// What an append-only file has not got on its disk when power is lost, and a copy that was not written out may have.
const UNSETTLED_US: Micros = 4_000_000;

/// Called just before redis-server is started on the files of `node`.
pub fn check_start(world: &World, node: usize) -> Option<Violation> {
    let lying = world.ignored_by_start(node);
    let until = world.nodes[node].ended_at.saturating_sub(UNSETTLED_US);
    let (number, first) = last_copies(world, node, &lying, until)?;
    Some(broken(
        world,
        format!(
            "redis-server of node {node} is started beside files that it ignores: they are the last to hold {number} acknowledged writes (first {first})"
        ),
    ))
}

/// Called when redis-server of `node` is told to become a primary: it writes what it has in memory over its files.
pub fn check_promotion(world: &World, node: usize) -> Option<Violation> {
    let redis = world.nodes[node].redis.as_ref()?;
    if !redis.server.is_log_off() {
        return None;
    }
    let held: BTreeSet<u64> = redis.server.data().iter().copied().collect();
    let mut lying = world.disk_of(node);
    lying.retain(|value| !held.contains(value));
    let (number, first) = last_copies(world, node, &lying, world.now)?;
    Some(broken(
        world,
        format!(
            "redis-server of node {node} was emptied by a copy and is promoted: its disk is the last to hold {number} acknowledged writes (first {first})"
        ),
    ))
}

/// How many of these values were acknowledged, are not known to be lost, and are on no other node; and the first of them.
fn last_copies(world: &World, node: usize, lying: &[u64], until: Micros) -> Option<(usize, u64)> {
    if lying.is_empty() || world.forced || !world.judges_data {
        return None;
    }
    let mut values: BTreeSet<u64> = lying.iter().copied().collect();
    values.retain(|value| world.ledger.counts(*value, until));
    for other in (0..world.nodes.len()).filter(|other| *other != node) {
        let there = world.data_of(other).unwrap_or_default();
        let there = there.iter().copied().chain(world.disk_of(other));
        for value in there {
            values.remove(&value);
        }
    }
    let first = values.first().copied()?;
    Some((values.len(), first))
}

fn broken(world: &World, text: String) -> Violation {
    Violation {
        invariant: "i14_nothing_overwritten",
        at_us: world.now,
        text,
    }
}
