//! The order of attempts.

use crate::names::Sentinel;
use serde::{Deserialize, Serialize};

/// Number of one attempt to read or write the register. Two sentinels never share one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ballot {
    /// Grows with every attempt.
    pub round: u64,
    /// Who attempts; breaks ties.
    pub by: Sentinel,
    /// Which run of that process: one that was restarted does not remember its attempts, and must not repeat one
    /// of their numbers with another value.
    #[serde(default)]
    pub run: u64,
}

impl Ballot {
    /// Below every real ballot: nothing promised yet.
    pub fn zero() -> Self {
        Self {
            round: 0,
            by: Sentinel::default(),
            run: 0,
        }
    }

    /// The next ballot of this run of `by` that is above this one.
    #[must_use]
    pub fn next_of(&self, by: &Sentinel, run: u64) -> Self {
        Self {
            round: self.round + 1,
            by: by.clone(),
            run,
        }
    }
}
