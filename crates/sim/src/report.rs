//! What a run tells.

use std::collections::BTreeMap;

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant, as its file is named: `i02_one_writer`.
    pub invariant: &'static str,
    /// Simulated time in microseconds.
    pub at_us: u64,
    /// What was seen.
    pub text: String,
}

/// Everything about one run.
#[derive(Clone, Debug, Default)]
pub struct RunReport {
    /// Its seed.
    pub seed: u64,
    /// Hash of everything that happened: equal for equal seeds.
    pub trace_hash: u64,
    /// Events that were processed.
    pub events: u64,
    /// Simulated time in microseconds.
    pub simulated_us: u64,
    /// Broken rules; a run stops at the first.
    pub violations: Vec<Violation>,
    /// How often each thing happened, faults and rare branches alike.
    pub counters: BTreeMap<&'static str, u64>,
    /// What happened, a line each, if it was asked for.
    pub trace: Vec<String>,
}

impl RunReport {
    /// Whether no rule was broken.
    pub fn is_good(&self) -> bool {
        self.violations.is_empty()
    }
}
