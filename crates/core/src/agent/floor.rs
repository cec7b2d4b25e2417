//! What an agent without memory must hear before it obeys.
//!
//! Its volume is new, or was lost together with a promise. A sentinel that missed an election may then show it a record
//! that it has long promised not to obey. So it first hears from a majority of the voters which version each knows of,
//! and obeys nothing older than the newest of them: an election in which this node was sealed was accepted by a majority
//! before, and any two majorities share a voter.

use super::Agent;
use crate::mutant::Mutant;
use crate::names::Sentinel;
use crate::record::Record;
use crate::wire::Newest;
use std::collections::BTreeMap;

/// Most sentinels whose word is kept. A set of voters is far smaller.
const TOLD_MAX: usize = 64;

/// The least version that may be obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Floor {
    /// What each sentinel has told since this agent started.
    Asking(BTreeMap<Sentinel, Newest>),
    /// A majority has told; or the agent remembers a promise, and nothing has to be asked.
    Known(u64),
}

impl Floor {
    /// For an agent that has promised this epoch, as its disk says; 0 if it knows of nothing.
    pub(super) fn of(promised: u64) -> Self {
        if promised > 0 {
            Self::Known(0)
        } else {
            Self::Asking(BTreeMap::new())
        }
    }

    fn hear(&mut self, from: Sentinel, newest: Newest) {
        let Self::Asking(told) = self else { return };
        if told.len() < TOLD_MAX || told.contains_key(&from) {
            told.insert(from, newest);
        }
        let settled = |set: &Newest| {
            let same = told
                .values()
                .filter(|n| n.voters_version == set.voters_version);
            same.count() > set.voters / 2
        };
        if told.values().any(settled) {
            let newest = told.values().map(|newest| newest.version).max();
            *self = Self::Known(newest.unwrap_or(0));
        }
    }
}

impl Agent {
    /// A sentinel tells the newest version that it knows of.
    pub(super) fn on_newest(&mut self, from: Sentinel, newest: Newest) {
        self.floor.hear(from, newest);
    }

    /// Whether the sentinels are still to tell.
    pub(super) fn asks_newest(&self) -> bool {
        matches!(self.floor, Floor::Asking(_))
    }

    /// Whether this record may be obeyed, as far as this agent can know what it has forgotten.
    pub(super) fn may_trust(&self, record: &Record) -> bool {
        match self.floor {
            Floor::Known(least) => record.version >= least,
            Floor::Asking(_) => matches!(
                self.settings.mutant,
                Mutant::TrustAnySentinel | Mutant::ForgetPromise
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(version: u64, voters: usize, voters_version: u64) -> Newest {
        Newest {
            version,
            voters,
            voters_version,
        }
    }

    #[test]
    fn a_majority_of_one_set_settles_it_and_the_newest_counts() {
        let mut floor = Floor::of(0);
        floor.hear(Sentinel::from("a"), newest(3, 3, 1));
        assert!(matches!(floor, Floor::Asking(_)));
        floor.hear(Sentinel::from("a"), newest(3, 3, 1));
        assert!(matches!(floor, Floor::Asking(_)), "one voter, heard twice");
        floor.hear(Sentinel::from("b"), newest(7, 3, 1));
        assert_eq!(floor, Floor::Known(7));
    }

    #[test]
    fn words_of_different_sets_do_not_add_up() {
        let mut floor = Floor::of(0);
        floor.hear(Sentinel::from("a"), newest(3, 3, 1));
        floor.hear(Sentinel::from("b"), newest(4, 4, 2));
        floor.hear(Sentinel::from("c"), newest(4, 4, 2));
        assert!(matches!(floor, Floor::Asking(_)));
        floor.hear(Sentinel::from("a"), newest(4, 4, 2));
        assert_eq!(floor, Floor::Known(4));
    }

    #[test]
    fn who_remembers_a_promise_need_not_ask() {
        assert_eq!(Floor::of(2), Floor::Known(0));
    }
}
