//! I4: after a seal for epoch e a node acknowledges nothing of an epoch below e; and once it has promised
//! epoch e it obeys no order of an older one, also after a restart, so that its data never goes back.

use crate::report::Violation;
use crate::world::World;
use holdfast_core::agent::Operation;
use holdfast_core::names::Epoch;

/// What a node said of its seal.
#[derive(Clone, Copy, Debug)]
pub struct Seal {
    /// For this epoch.
    pub epoch: Epoch,
    /// The run of redis-server.
    pub redis_run: u64,
    /// The offset that it reported.
    pub offset: u64,
}

/// Called when `node` executes a client's write.
pub fn check_write(world: &World, node: usize) -> Option<Violation> {
    let redis = world.nodes.get(node)?.redis.as_ref()?;
    let seal = world
        .monitors
        .seals
        .get(&node)
        .filter(|seal| seal.redis_run == redis.run)?;
    if redis.opened_for >= seal.epoch {
        return None;
    }
    let text = format!(
        "node {node} executes a write of epoch {} after it reported itself sealed for epoch {}",
        redis.opened_for, seal.epoch
    );
    Some(Violation {
        invariant: "i04_nothing_after_seal",
        at_us: world.now,
        text,
    })
}

/// Called when `node`'s agent begins `operation`.
pub fn check_order(world: &World, node: usize, operation: &Operation) -> Option<Violation> {
    let promised = *world.monitors.promised.get(&node)?;
    let order = world.nodes.get(node)?.agent.as_ref()?.record()?.epoch;
    let obeys = matches!(
        operation,
        Operation::Seal | Operation::Pause | Operation::Promote | Operation::Follow(_)
    );
    if !obeys || order >= promised {
        return None;
    }
    let text = format!(
        "node {node} does {operation:?} for epoch {order} although its disk holds the promise of epoch {promised}"
    );
    Some(Violation {
        invariant: "i04_nothing_after_seal",
        at_us: world.now,
        text,
    })
}
