//! I13: a position belongs to the data in memory. Nobody is chosen for a position that its data do not reach while more is
//! anywhere else, unless a person said so.
//!
//! Whenever an agent notes a position, the number of keys that it stands for is remembered here. One position is one state of
//! the data, on whichever node; so whoever is chosen for it, or for a later one of that history, must have as many.

use super::Moment;
use crate::model::Micros;
use crate::report::Violation;
use crate::world::World;
use holdfast_core::position::Position;
use holdfast_core::record::Record;
use std::collections::BTreeMap;

/// A loss of power may take what an append-only file got in its last second, and the files that are noted with a position are
/// two seconds older than that. This is the last moment that `async` may lose.
const UNSETTLED_US: Micros = 4_000_000;

/// How many keys each position stands for.
#[derive(Debug, Default)]
pub struct Noted(BTreeMap<Position, (u64, Micros)>);

impl Noted {
    /// An agent has noted this position while its redis-server had so many keys.
    pub fn note(&mut self, now: Micros, position: Position, keys: u64) {
        let known = self.0.entry(position).or_insert((keys, now));
        known.0 = keys.min(known.0);
    }

    /// The least that whoever is at this position must have, but for what was written within `slack` before it was noted.
    fn least(&self, position: Position, slack: Micros) -> u64 {
        let begin = Position {
            epoch: position.epoch,
            offset: 0,
        };
        let noted = || self.0.range(begin..=position).rev();
        let at = noted().next().map_or(0, |(_, (_, at))| *at);
        let mut settled = noted().filter(|(_, (_, known))| *known + slack <= at);
        settled.next().map_or(0, |(_, (keys, _))| *keys)
    }
}

/// Called when sentinel `by` asks for the appointment `record` to be accepted.
pub fn check(
    world: &World,
    by: usize,
    record: &Record,
    by_data: bool,
    decided: Moment,
) -> Option<Violation> {
    let primary = record.primary.as_ref();
    let primary = primary.filter(|_| world.judges_data && !world.forced)?;
    let chosen = world.living(primary)?;
    let report = world.monitors.known(by, chosen, decided)?;
    let here = Position {
        epoch: report.history,
        offset: report.offset,
    };
    let claimed = if by_data { report.stored? } else { here };
    let held = world.data_of(chosen)?.len() as u64;
    let slack = if by_data { UNSETTLED_US } else { 0 };
    let least = world.monitors.noted.least(claimed, slack);
    let (other, more) = (0..world.nodes.len())
        .map(|node| (node, world.keys_of(node)))
        .max_by_key(|(_, keys)| *keys)?;
    let emptied = world.cache && held == 0; // no node has data that it can read, and that is accepted of a cache
    if held >= least || more <= held || emptied {
        return None;
    }
    Some(Violation {
        invariant: "i13_position_of_the_data",
        at_us: world.now,
        text: format!(
            "sentinel {by} appoints {} for epoch {} at {claimed}, which stands for {least} keys: it has {held}, and node {other} has {more}\n  chosen: {report:?}\n  other: {:?}",
            primary.node,
            record.epoch,
            world.monitors.known(by, other, decided)
        ),
    })
}
