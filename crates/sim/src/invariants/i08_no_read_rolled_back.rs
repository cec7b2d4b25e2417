//! I8: through a gate that holds replies, no read shows what is rolled back later, and none misses what was released
//! before it began.

use crate::report::Violation;
use crate::world::{Found, World};

const NAME: &str = "i08_no_read_rolled_back";

/// Called when a client gets the answer to a read, which was to find what had been released last when it began.
pub fn check_read(world: &World, found: Found) -> Option<Violation> {
    let value = found.missed.filter(|value| !world.ledger.is_lost(*value))?;
    Some(Violation {
        invariant: NAME,
        at_us: world.now,
        text: format!("a read misses the write of {value}, which had been released when it began"),
    })
}

/// Called with the data of a new primary: what any read has shown is in it.
pub fn check_primary(world: &World, node: usize, data: &[u64]) -> Option<Violation> {
    let gone = world.ledger.seen_and_missing_in(data);
    let first = gone.first()?;
    Some(Violation {
        invariant: NAME,
        at_us: world.now,
        text: format!("node {node} rules without {first}, which a read has shown"),
    })
}
