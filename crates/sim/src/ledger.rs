//! Every write that was executed, and where.

use crate::model::Micros;
use holdfast_core::names::Epoch;

/// Values from here on belong to somebody else's data set.
pub const FOREIGN: u64 = 1 << 40;

/// One executed write.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// The node that executed it.
    pub node: usize,
    /// The run of redis-server there.
    pub redis_run: u64,
    /// When.
    pub at: Micros,
    /// Epoch for which that node had been opened.
    pub epoch: Epoch,
}

/// The truth about writes.
#[derive(Debug, Default)]
pub struct Ledger {
    given_out: u64,
    /// By value; none while it was not executed.
    written: Vec<Option<Written>>,
    /// Values that are known to be lost, so that each is judged once.
    lost: Vec<bool>,
    /// Values whose acknowledgement has left a gate that held it.
    released: Vec<bool>,
    /// Values that a read through such a gate has shown.
    seen: Vec<bool>,
    released_last: Option<u64>,
}

impl Ledger {
    /// A value that nobody has written yet.
    pub fn next_value(&mut self) -> u64 {
        self.given_out += 1;
        self.given_out
    }

    /// A server has executed the write of `value` and answers OK.
    pub fn note(&mut self, value: u64, written: Written) {
        let index = value as usize;
        if self.written.len() <= index {
            self.written.resize(index + 1, None);
            self.lost.resize(index + 1, false);
            self.released.resize(index + 1, false);
            self.seen.resize(index + 1, false);
        }
        self.written[index] = Some(written);
    }

    /// Executed values that `data` lacks and that were not known to be lost.
    pub fn missing_in(&self, data: &[u64]) -> Vec<(u64, Written)> {
        let mut present = vec![false; self.written.len()];
        for value in data {
            if let Some(seen) = present.get_mut(*value as usize) {
                *seen = true;
            }
        }
        let all = self.written.iter().enumerate();
        all.filter(|(value, _)| !present[*value] && !self.lost[*value])
            .filter_map(|(value, written)| Some((value as u64, (*written)?)))
            .collect()
    }

    /// The acknowledgement of `value` leaves a gate: from now on no primary may be without it.
    pub fn release(&mut self, value: u64) {
        if let Some(released) = self.released.get_mut(value as usize) {
            *released = true;
            self.released_last = Some(value);
        }
    }

    /// How `value` was written.
    pub fn written_of(&self, value: u64) -> Option<Written> {
        self.written.get(value as usize).copied().flatten()
    }

    /// Whether the write of `value` was executed by then and is not known to be lost.
    pub fn counts(&self, value: u64, until: Micros) -> bool {
        let written = self.written_of(value);
        written.is_some_and(|written| written.at <= until) && !self.is_lost(value)
    }

    /// Whether its acknowledgement has left a gate.
    pub fn is_released(&self, value: u64) -> bool {
        self.released.get(value as usize).copied().unwrap_or(false)
    }

    /// A read that shows `value` leaves a gate that held it. Of what a gate passes on at once nothing is promised.
    pub fn see(&mut self, value: u64) {
        if let Some(seen) = self.seen.get_mut(value as usize) {
            *seen = true;
        }
    }

    /// The group asks for `async`, and its gate goes by that: of what it released before nothing is promised any more.
    pub fn promise_nothing(&mut self) {
        self.released.fill(false);
        self.seen.fill(false);
    }

    /// The value whose acknowledgement left a gate last.
    pub fn released_last(&self) -> Option<u64> {
        self.released_last
    }

    /// Whether this value is known to be lost.
    pub fn is_lost(&self, value: u64) -> bool {
        self.lost.get(value as usize).copied().unwrap_or(false)
    }

    /// Of what was released, all that is not in `left` is known to be lost; how many values that are.
    pub fn lose_all_but(&mut self, left: &[u64]) -> usize {
        let gone = self.released_and_missing_in(left);
        for value in &gone {
            self.lose(*value);
        }
        gone.len()
    }

    /// Released values that `data` lacks and that were not known to be lost.
    pub fn released_and_missing_in(&self, data: &[u64]) -> Vec<u64> {
        self.marked_and_missing_in(&self.released, data)
    }

    /// The same for values that a read has shown.
    pub fn seen_and_missing_in(&self, data: &[u64]) -> Vec<u64> {
        self.marked_and_missing_in(&self.seen, data)
    }

    fn marked_and_missing_in(&self, marked: &[bool], data: &[u64]) -> Vec<u64> {
        let mut missing: Vec<bool> = marked
            .iter()
            .zip(&self.lost)
            .map(|(marked, lost)| *marked && !lost)
            .collect();
        for value in data {
            if let Some(missing) = missing.get_mut(*value as usize) {
                *missing = false;
            }
        }
        let all = (0..).zip(missing);
        all.filter_map(|(value, missing)| missing.then_some(value))
            .collect()
    }

    /// From now on this value is known to be lost.
    pub fn lose(&mut self, value: u64) {
        if let Some(lost) = self.lost.get_mut(value as usize) {
            *lost = true;
        }
    }

    /// Whether anything was ever written and is not known to be lost.
    pub fn holds_anything(&self) -> bool {
        self.written
            .iter()
            .zip(&self.lost)
            .any(|(written, lost)| written.is_some() && !lost)
    }
}
