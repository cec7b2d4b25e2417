//! I1 in `async` durability: what is lost was on no node that the election could have chosen.
//!
//! When a sentinel appoints X, every sealed, caught-up node whose report it has is looked at in truth:
//! an acknowledged write that such a node holds and X does not is a broken promise. What no such node
//! holds is the loss that `async` admits to, and so is what only a deposed primary holds once its
//! successor's history is on record; both are counted.

use crate::model::Micros;
use crate::report::Violation;
use crate::world::World;
use holdfast_core::record::Record;
use std::collections::BTreeSet;

/// Called when sentinel `by` asks for `record`, an appointment that it decided on at `decided`, to be
/// accepted.
pub fn check(world: &World, by: usize, record: &Record, decided: Micros) -> Option<Violation> {
    let primary = record.primary.as_ref()?;
    let chosen = world
        .nodes
        .iter()
        .position(|host| host.name == primary.node)?;
    // Its redis-server may have ended since the decision. Then nobody will be promoted by this record: an
    // appointment holds for one incarnation, and the next election judges anew.
    let run = format!(
        "{:040x}",
        world.nodes[chosen].redis.as_ref()?.server.info().run_id
    );
    if run != primary.incarnation.as_str() {
        return None;
    }
    let data = world.data_of(chosen)?;
    let missing: BTreeSet<u64> = world
        .ledger
        .missing_in(&data)
        .into_iter()
        .map(|(value, _)| value)
        .collect();
    if missing.is_empty() {
        return None;
    }
    let electorate = (0..world.nodes.len())
        .filter(|node| *node != chosen && world.is_elector(by, *node, record.epoch, decided));
    for node in electorate {
        let held = world.data_of(node)?;
        let better: Vec<u64> = held
            .iter()
            .copied()
            .filter(|value| missing.contains(value))
            .collect();
        if let Some(first) = better.first() {
            return Some(Violation {
                invariant: "i01_nothing_lost",
                at_us: world.now,
                text: format!(
                    "sentinel {by} appoints {} for epoch {}, which lacks {} acknowledged writes (first {first}) that the sealed node {node} holds\n  chosen: {:?}\n  better: {:?}",
                    primary.node,
                    record.epoch,
                    better.len(),
                    world.monitors.heard.get(&(by, chosen)),
                    world.monitors.heard.get(&(by, node)),
                ),
            });
        }
    }
    None
}
