//! I2: at most one node accepts writes at any moment of true time, and none of an older epoch once a
//! newer one has been opened.
//!
//! One gap is known and stated: a pod that stood still as a whole may, when it wakes, take what waits in
//! its sockets before its agent or watchdog can run. That is allowed for [`WAKE_GAP_US`] and counted. A gate that passes
//! replies on (`async`, or degraded) looks itself when the lease ends: through it there is no such gap.

use crate::model::Micros;
use crate::report::Violation;
use crate::world::World;

/// What a pod may still take after it stood still as a whole: a tick of its agent and its watchdog.
pub const WAKE_GAP_US: Micros = 60_000;

/// Called after every event.
pub fn check(world: &World) -> Option<Violation> {
    if world.has_gates() {
        return None; // a deposed primary may go on for itself: its gate releases nothing
    }
    let writers: Vec<usize> = (0..world.nodes.len())
        .filter(|node| accepts(world, *node))
        .collect();
    let awake = writers
        .iter()
        .filter(|node| !just_woke(world, **node))
        .count();
    if writers.len() < 2 || awake < 2 {
        return None;
    }
    let text = format!("nodes {writers:?} accept writes at the same moment");
    Some(Violation {
        invariant: "i02_one_writer",
        at_us: world.now,
        text,
    })
}

/// Called when the gate of `node` passes a reply on without waiting for acknowledgements.
pub fn check_pass(world: &World, node: usize) -> Option<Violation> {
    let redis = world.nodes.get(node)?.redis.as_ref()?;
    (redis.opened_for < world.monitors.opened).then(|| Violation {
        invariant: "i02_one_writer",
        at_us: world.now,
        text: format!(
            "the gate of node {node} passes replies of epoch {} on although epoch {} has been opened",
            redis.opened_for, world.monitors.opened
        ),
    })
}

/// Called when `node` executes a client's write.
pub fn check_write(world: &World, node: usize) -> Option<Violation> {
    if world.has_gates() {
        return None;
    }
    let redis = world.nodes.get(node)?.redis.as_ref()?;
    if redis.opened_for >= world.monitors.opened || just_woke(world, node) {
        return None;
    }
    let text = format!(
        "node {node} executes a write of epoch {} although epoch {} has been opened",
        redis.opened_for, world.monitors.opened
    );
    Some(Violation {
        invariant: "i02_one_writer",
        at_us: world.now,
        text,
    })
}

fn accepts(world: &World, node: usize) -> bool {
    let running = world.nodes[node]
        .redis
        .as_ref()
        .filter(|redis| redis.frozen_until <= world.now);
    running.is_some_and(|redis| redis.server.accepts_writes())
}

/// Whether `node` is in the known gap.
pub fn just_woke(world: &World, node: usize) -> bool {
    let thawed = world.nodes[node]
        .redis
        .as_ref()
        .and_then(|redis| redis.thawed_at);
    thawed.is_some_and(|at| world.now < at + WAKE_GAP_US)
}
