//! Two writable primaries at once, told from acknowledgements alone.
//!
//! Every node has a writer of its own that tries unique `SET`s all the time, whatever the node's role. On one monotonic clock,
//! an acknowledgement by an old primary whose operation was *invoked after* the new primary's first acknowledgement had
//! *completed* proves that both accepted writes. An old primary that was appointed again is not old: the announced
//! switches say who reigned in which order. Only writes count: a closed primary may still answer reads in `async`, and whether those were
//! stale is another question. Where gates carry sessions over to the next primary, an address proves nothing: there a second
//! writable primary shows as lost, stale or out of order instead.

use crate::client::Switch;
use crate::clock::Micros;
use crate::history::{History, Operation};
use std::collections::BTreeMap;

/// Addresses of the primaries of the round, in order: the longest account among those of the sentinels' announcements and that of
/// the epochs seen, ended by the primary that they named when the round was over (its announcement may still have been on
/// the way). The longest account excuses most, so what it does not excuse is a violation for sure.
pub fn reigns(history: &History) -> Vec<String> {
    let mut by_sentinel: BTreeMap<usize, Vec<&Switch>> = BTreeMap::new();
    for switch in &history.switches {
        by_sentinel.entry(switch.sentinel).or_default().push(switch);
    }
    let accounts = by_sentinel
        .values()
        .map(|switches| account(&history.first_primary, switches));
    let mut reigns = accounts
        .chain([by_epoch(history)])
        .max_by_key(Vec::len)
        .unwrap_or_else(|| vec![history.first_primary.clone()]);
    if !history.last_primary.is_empty() && reigns.last() != Some(&history.last_primary) {
        reigns.push(history.last_primary.clone());
    }
    reigns
}

fn by_epoch(history: &History) -> Vec<String> {
    let mut reigns = vec![history.first_primary.clone()];
    for sighting in &history.sightings {
        if reigns.last() != Some(&sighting.address) {
            reigns.push(sighting.address.clone());
        }
    }
    reigns
}

fn account(first: &str, switches: &[&Switch]) -> Vec<String> {
    let mut reigns = vec![first.to_owned()];
    for switch in switches {
        for address in [&switch.old, &switch.new] {
            if reigns.last() != Some(address) {
                reigns.push(address.clone());
            }
        }
    }
    reigns
}

/// The acknowledgements that prove two writable primaries, in order of completion; none where sessions are carried.
pub fn two_writable(history: &History) -> Vec<&Operation> {
    if history.carried {
        return Vec::new();
    }
    let mut acknowledged: Vec<&Operation> = history
        .operations
        .iter()
        .filter(|operation| operation.acknowledged() && operation.action.writes())
        .collect();
    acknowledged.sort_by_key(|operation| operation.complete);
    let mut succession = Succession::new(reigns(history));
    acknowledged.retain(|operation| !succession.allows(operation));
    acknowledged
}

/// Follows the acknowledgements through the reigns.
struct Succession {
    reigns: Vec<String>,
    /// When each reign's first acknowledgement completed; `None` for reigns that showed none yet.
    first: Vec<Option<Micros>>,
    now: usize,
}

impl Succession {
    fn new(reigns: Vec<String>) -> Self {
        Self {
            first: vec![None; reigns.len()],
            reigns,
            now: 0,
        }
    }

    /// Whether `operation` fits: its node reigns now, or reigned when it was invoked, or comes to reign hereby.
    fn allows(&mut self, operation: &Operation) -> bool {
        if self.fits_past(operation) {
            return true;
        }
        let later =
            (self.now..self.reigns.len()).find(|index| self.reigns[*index] == operation.node);
        let Some(index) = later else { return false };
        self.now = index;
        self.first[index].get_or_insert(operation.complete);
        true
    }

    fn fits_past(&mut self, operation: &Operation) -> bool {
        let reigned = |index: &usize| self.reigns[*index] == operation.node;
        let Some(index) = (0..=self.now).rev().find(reigned) else {
            return false;
        };
        let overtaken = self.first[index + 1..].iter().flatten().min();
        if overtaken.is_some_and(|first| operation.invoke > *first) {
            return false;
        }
        self.first[index].get_or_insert(operation.complete);
        true
    }
}
