//! I7: no empty data set replaces a non-empty one without a person's explicit word; and nobody else's
//! data is wiped or spread.

use crate::ledger::FOREIGN;
use crate::model::{Files, Image};
use crate::report::Violation;
use crate::world::World;

/// Called just before `node` loads a snapshot over what it has.
pub fn check(world: &World, node: usize, image: &Image) -> Option<Violation> {
    let own = world.data_of(node)?;
    let why = if world.is_foreign(node) && !is_set_aside(world, node, &own) {
        "somebody else's data is wiped".to_owned()
    } else if image.data.iter().any(|value| *value >= FOREIGN) {
        "it follows somebody else's data".to_owned()
    } else if image.data.is_empty() && counts(world, &own) && !world.forced && !world.cache {
        format!("an empty data set replaces its {} keys", own.len())
    } else {
        return None;
    };
    Some(Violation {
        invariant: "i07_empty_never_wins",
        at_us: world.now,
        text: format!("node {node}: {why}"),
    })
}

/// Whether the files that its agent has set aside hold all of it.
fn is_set_aside(world: &World, node: usize, data: &[u64]) -> bool {
    let aside = world.nodes[node].aside.as_ref().map(Files::holds);
    aside.is_some_and(|held| data.iter().all(|value| held.contains(value)))
}

/// Whether this is data at all: what a gate holds back was told to nobody, and a successor may have been chosen without it.
fn counts(world: &World, data: &[u64]) -> bool {
    let told = |value: &u64| !world.has_gates() || world.ledger.is_released(*value);
    data.iter().any(told)
}
