//! I10: a handoff loses nothing acknowledged. When the target of a handoff is appointed, it has all that
//! the paused primary has.

use crate::report::Violation;
use crate::world::World;
use holdfast_core::record::{Phase, Record};

/// Called when a sentinel asks for an appointment to be accepted that ends the handoff `before`.
pub fn check(world: &World, before: &Record, record: &Record) -> Option<Violation> {
    let target = before
        .handoff
        .as_ref()
        .filter(|_| before.phase == Phase::Electing)?;
    let primary = record.primary.as_ref().filter(|p| p.node == *target)?;
    let old = before.primary.as_ref()?;
    let from = world.nodes.iter().position(|host| host.name == old.node)?;
    let redis = world.nodes[from].redis.as_ref()?;
    if format!("{:040x}", redis.server.info().run_id) != old.incarnation.as_str() {
        return None; // it has ended meanwhile: no handoff any more
    }
    let to = world.nodes.iter().position(|host| host.name == *target)?;
    let data = world.data_of(to)?;
    let missing: Vec<u64> = world
        .ledger
        .missing_in(&data)
        .into_iter()
        .filter(|(_, written)| written.redis_run == redis.run)
        .map(|(value, _)| value)
        .collect();
    let first = missing.first()?;
    let text = format!(
        "the handoff from {} to {} of epoch {} leaves {} acknowledged writes behind (first {first})",
        old.node,
        primary.node,
        record.epoch,
        missing.len()
    );
    Some(Violation {
        invariant: "i10_handoff_keeps_all",
        at_us: world.now,
        text,
    })
}
