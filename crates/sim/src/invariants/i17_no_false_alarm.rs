//! I17: no redis-server is ended for data that it has not lost. An agent that says that a copy has emptied the memory is right: one
//! was begun and not completed, or in memory is less than in the append-only file.

use crate::report::Violation;
use crate::world::World;
use std::collections::BTreeSet;

/// Called when the agent of `node` decides that a failed copy has emptied the memory of its redis-server.
pub fn check_emptied(world: &World, node: usize) -> Option<Violation> {
    if world.has_failed_to_copy(node) {
        return None;
    }
    let logged = world.logged_by(node)?;
    let held: BTreeSet<u64> = world.data_of(node)?.iter().copied().collect();
    let lost = logged.iter().any(|value| !held.contains(value));
    (!lost && !logged.is_empty()).then(|| Violation {
        invariant: "i17_no_false_alarm",
        at_us: world.now,
        text: format!(
            "the agent of node {node} says that a copy has emptied its redis-server, which holds all {} values of its append-only file",
            logged.len()
        ),
    })
}
