//! I1: what a gate that holds replies has released is in the data of every later primary. The one exception is stated: an
//! election that nobody can satisfy any more, since the primary and too many members have ended, goes by what is on
//! disk; that it only does so then is checked here as well.
//!
//! In `async` durability, and everywhere for what was executed and not released: what is lost was on no node that the election could have chosen.
//!
//! When a sentinel appoints X, every sealed, caught-up node whose report it has is looked at in truth:
//! an acknowledged write that such a node holds and X does not is a broken promise. What no such node
//! holds is the loss that `async` admits to, and so is what only a deposed primary holds once its
//! successor's history is on record; both are counted.

use super::Moment;
use crate::report::Violation;
use crate::world::World;
use holdfast_core::record::Member;
use holdfast_core::record::Record;
use holdfast_core::syncset::{Heard, SyncRule, may_elect};
use std::collections::BTreeSet;

const NAME: &str = "i01_nothing_lost";

/// Called with the data of a new primary that was not chosen by what is on disk.
pub fn check_released(world: &World, node: usize, data: &[u64]) -> Option<Violation> {
    let gone = world.ledger.released_and_missing_in(data);
    let first = gone.first()?;
    let text = format!(
        "node {node} rules without {} released writes (first {first})",
        gone.len()
    );
    Some(Violation {
        invariant: NAME,
        at_us: world.now,
        text,
    })
}

/// Called when a gate that holds replies is about to release the write of `value`: it must not be lost already, to a
/// primary of a later epoch that began without it.
pub fn check_release(world: &World, value: u64) -> Option<Violation> {
    (world.ledger.is_lost(value) && !world.forced).then(|| Violation {
        invariant: NAME,
        at_us: world.now,
        text: format!("the write of {value} is released although a later primary lacks it"),
    })
}

/// Called when a primary is chosen by what is on disk: nobody could have been chosen otherwise.
pub fn check_by_data(world: &World, before: &Record) -> Option<Violation> {
    let nobody = Heard::new();
    let lives = |member: &Member| runs(world, member) || is_kept(world, before, member);
    let void = |rule: &SyncRule| {
        let alive = rule.members.iter().filter(|(node, incarnation)| {
            lives(&Member {
                node: (*node).clone(),
                incarnation: (*incarnation).clone(),
                address: holdfast_core::names::Address::new("", 0),
                server: None,
            })
        });
        rule.k > 0 && alive.count() + rule.k <= rule.members.len()
    };
    let nothing_released = may_elect(&before.sync, &before.former, &nobody, 0);
    let former = before.former.iter().map(|former| &former.rule);
    let any_void = former.chain([&before.sync]).any(void);
    let ruler = before.primary.as_ref().is_some_and(lives);
    if world.forced || nothing_released || (any_void && !ruler) {
        return None;
    }
    Some(Violation {
        invariant: NAME,
        at_us: world.now,
        text: format!(
            "epoch {} is decided by what is on disk although enough members live to be sure",
            before.epoch
        ),
    })
}

/// Whether this incarnation runs and is what it was.
fn runs(world: &World, member: &Member) -> bool {
    let host = world.nodes.iter().find(|host| host.name == member.node);
    let redis = host.and_then(|host| host.redis.as_ref());
    redis.is_some_and(|redis| {
        redis.was_in_step && !redis.tampered && redis.incarnation == member.incarnation
    })
}

/// Whether all that this incarnation acknowledged is on its node's disk, as the agent there remembers, and that counts.
fn is_kept(world: &World, before: &Record, member: &Member) -> bool {
    let host = world.nodes.iter().find(|host| host.name == member.node);
    let (node, run) = (&member.node, &member.incarnation);
    before.is_on_disk()
        && host.is_some_and(|host| {
            let stored = host.disk.read().unwrap_or_default();
            stored.disk.contains(run) && before.looks_for(node, run, &host.address)
        })
}

/// Called when sentinel `by` asks for `record`, an appointment that it decided on at `decided`, to be
/// accepted.
pub fn check(world: &World, by: usize, record: &Record, decided: Moment) -> Option<Violation> {
    let primary = record.primary.as_ref()?;
    // Its redis-server may have ended since the decision. Then nobody will be promoted by this record: an
    // appointment holds for one incarnation, and the next election judges anew.
    let chosen = world.living(primary)?;
    let data = world.data_of(chosen)?;
    // What was written in this epoch or a later one was written after it had been decided who rules it. A sentinel that
    // missed that may still try its own choice, which the register does not accept any more.
    let missing: BTreeSet<u64> = world
        .ledger
        .missing_in(&data)
        .into_iter()
        .filter(|(_, written)| written.epoch < record.epoch)
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
                invariant: NAME,
                at_us: world.now,
                text: format!(
                    "sentinel {by} appoints {} for epoch {}, which lacks {} acknowledged writes (first {first}) that the sealed node {node} holds\n  chosen: {:?}\n  better: {:?}",
                    primary.node,
                    record.epoch,
                    better.len(),
                    world.monitors.known(by, chosen, decided),
                    world.monitors.known(by, node, decided),
                ),
            });
        }
    }
    None
}
