//! I10: a handoff loses nothing acknowledged. When the target of a handoff is promoted or appointed, it has all that
//! the paused primary has, and that one accepts nothing more.
//!
//! That is promised while the handoff is what the register says. A target that hears late may still take over after it was
//! given up, when the old primary serves again: a master that refuses writes, which no record names, so it is sealed
//! unopened (I2 and I4 would show it open), and whose data count as those of the reign before (I1 looks at elections).

use crate::report::Violation;
use crate::world::World;
use holdfast_core::record::{Phase, Record};

/// Called when a sentinel asks for `record`, an appointment that ends the handoff `before`, to be accepted.
pub fn check(world: &World, before: &Record, record: &Record) -> Option<Violation> {
    let target = before.handoff.as_ref()?;
    let appointed = record.primary.as_ref().filter(|p| p.node == *target)?;
    // It may have ended since it was heard: whoever comes in its place is not the one that is appointed.
    world.living(appointed)?;
    check_target(world, before)
}

/// Called when the target of the handoff `record` begins to take over, and when it is appointed.
pub fn check_target(world: &World, record: &Record) -> Option<Violation> {
    let target = record
        .handoff
        .as_ref()
        .filter(|_| record.phase == Phase::Electing)
        .filter(|_| !world.is_decided_after(record))?;
    let old = record.primary.as_ref()?;
    let from = world.living(old)?; // else it has ended meanwhile: no handoff any more
    let redis = world.nodes[from].redis.as_ref()?;
    let to = world.number_of(target)?;
    let data = world.data_of(to)?;
    let missing: Vec<u64> = world
        .ledger
        .missing_in(&data)
        .into_iter()
        .filter(|(_, written)| written.redis_run == redis.run)
        .map(|(value, _)| value)
        .collect();
    let what = match missing.first() {
        Some(first) => format!(
            "leaves {} acknowledged writes behind (first {first})",
            missing.len()
        ),
        None if world.accepts(from) => "is made while the old primary accepts writes".to_owned(),
        None => return None,
    };
    let text = format!(
        "the handoff from {} to {target} of epoch {} {what}",
        old.node, record.epoch
    );
    Some(Violation {
        invariant: "i10_handoff_keeps_all",
        at_us: world.now,
        text,
    })
}
