//! How often things happened: faults, and the rare branches that they are meant to reach.

use std::collections::BTreeMap;

/// Things that must happen in some runs, else the simulator tests less than it seems to.
pub const SOMETIMES: &[&str] = &[
    "election",
    "election by another sentinel",
    "lease ran out",
    "watchdog fenced",
    "watchdog killed",
    "handoff",
    "handoff gave up",
    "cold start",
    "first start",
    "quarantine",
    "ballots collided",
    "voters changed",
    "full resync",
    "partial resync",
    "acknowledged write lost",
    "old primary woke up revoked",
    "killed one that could not be fenced",
    "node reborn empty",
    "address reused",
    "write held by a pause",
    "write refused by a fence",
    "operator forced",
    "reply released",
    "read answered",
    "member lagged",
    "group degraded",
    "terms changed",
    "sync set changed",
    "chosen by what is on disk",
    "gate closed by itself",
    "paused by a client",
];

/// Counts by name.
#[derive(Clone, Debug, Default)]
pub struct Counters(BTreeMap<&'static str, u64>);

impl Counters {
    /// One more of `what`.
    pub fn hit(&mut self, what: &'static str) {
        *self.0.entry(what).or_insert(0) += 1;
    }

    /// How many of `what`.
    pub fn get(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// All of them.
    pub fn into_map(self) -> BTreeMap<&'static str, u64> {
        self.0
    }
}
