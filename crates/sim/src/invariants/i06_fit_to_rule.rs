//! I6: a blank, loading, half-synced, foreign or restarted incarnation is never promoted; a cold start
//! may promote one that was restarted, but only while no caught-up one is there. Where acknowledgements are on disks, one
//! whose disk has them is as good.

use super::{Moment, i10_handoff_keeps_all};
use crate::report::Violation;
use crate::world::World;
use holdfast_core::record::{Phase, Record};

/// Called when `node`'s agent begins to make its redis-server a master.
pub fn check(world: &World, node: usize) -> Option<Violation> {
    let host = world.nodes.get(node)?;
    let redis = host.redis.as_ref()?;
    let record = host.agent.as_ref()?.record()?;
    let why = if redis.server.is_loading() {
        return None; // redis-server refuses it
    } else if world.is_foreign(node) {
        "holds somebody else's data".to_owned()
    } else if takes_over(world, node, record) {
        return i10_handoff_keeps_all::check_target(world, record);
    } else if !names_this_run(world, node, record) {
        format!(
            "is not the incarnation that epoch {} appointed",
            record.epoch
        )
    } else {
        return None;
    };
    let text = format!(
        "node {node} is promoted for epoch {} although it {why}",
        record.epoch
    );
    Some(broken(world, text))
}

/// The target of a handoff is promoted before it is appointed, when it has all of the paused primary's data.
fn takes_over(world: &World, node: usize, record: &Record) -> bool {
    let target = record.handoff.as_ref() == Some(&world.nodes[node].name);
    record.phase == Phase::Electing && target && world.was_in_step(node)
}

fn names_this_run(world: &World, node: usize, record: &Record) -> bool {
    let Some(redis) = world.nodes[node].redis.as_ref() else {
        return false;
    };
    record
        .primary
        .as_ref()
        .is_some_and(|p| p.node == world.nodes[node].name && p.incarnation == redis.incarnation)
}

/// Called when sentinel `by` asks for an appointment to be accepted: a node that was never in step is
/// only chosen while the sentinel knows of none that is, and one that loads not at all.
pub fn check_choice(
    world: &World,
    by: usize,
    record: &Record,
    decided: Moment,
) -> Option<Violation> {
    let primary = record.primary.as_ref()?;
    let chosen = world.living(primary)?;
    let redis = world.nodes[chosen].redis.as_ref()?;
    if redis.server.is_loading() {
        let text = format!(
            "sentinel {by} appoints {} for epoch {}, which still loads",
            primary.node, record.epoch
        );
        return Some(broken(world, text));
    }
    let remembered = world.nodes[chosen].disk.read().unwrap_or_default();
    let heir = record.is_on_disk() && !remembered.disk.is_empty();
    if redis.was_in_step || heir || world.forced || record.epoch <= 1 {
        return None;
    }
    let other = (0..world.nodes.len()).find(|node| {
        *node != chosen
            && world.is_elector(by, *node, record.epoch, decided)
            && world.was_in_step(*node)
            && keeps_its_history(world, *node)
    })?;
    let text = format!(
        "sentinel {by} appoints {} for epoch {}, restarted and never in step, although node {other} is sealed and was in step\n  chosen: {:?}\n  in step: {:?}",
        primary.node,
        record.epoch,
        world.monitors.known(by, chosen, decided),
        world.monitors.known(by, other, decided),
    );
    Some(broken(world, text))
}

/// Whether its data can be compared with that of others: who was made a master from outside has a history of its own.
fn keeps_its_history(world: &World, node: usize) -> bool {
    let redis = world.nodes[node].redis.as_ref();
    redis.is_some_and(|redis| !redis.tampered)
}

fn broken(world: &World, text: String) -> Violation {
    Violation {
        invariant: "i06_fit_to_rule",
        at_us: world.now,
        text,
    }
}
