//! What an agent that has just started must hear before it obeys.
//!
//! A sentinel that missed an election may show it a record that the group has left behind. Its volume may be new, or lost
//! together with a promise not to obey that. Or it may have the address of a node that was sealed in that election and has
//! ended since: the primary of before would take its acknowledgements for that node's. So it first hears from a majority of
//! the voters which version each knows of, and obeys nothing older than the newest of them: the election was accepted by a
//! majority before anybody was sealed in it, and any two majorities share a voter.

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
    /// What each connected sentinel has told last. That may also become less: a version that only one has accepted may
    /// never be committed, and then it accepts another in its place. What *was* committed stays the least that any of its
    /// majority tells.
    Asking(BTreeMap<Sentinel, Newest>),
    /// The agent obeys a record that was new enough, and from there on newer ones only.
    Found,
}

impl Default for Floor {
    fn default() -> Self {
        Self::Asking(BTreeMap::new())
    }
}

impl Floor {
    fn hear(&mut self, from: Sentinel, newest: Newest) {
        if let Self::Asking(told) = self
            && (told.len() < TOLD_MAX || told.contains_key(&from))
        {
            told.insert(from, newest);
        }
    }

    /// Whoever is not connected takes back nothing any more.
    pub(super) fn forget(&mut self, sentinel: &Sentinel) {
        if let Self::Asking(told) = self {
            told.remove(sentinel);
        }
    }

    /// The newest version that any tells, once a majority of one set of voters has told.
    fn least(&self) -> Option<u64> {
        let Self::Asking(told) = self else {
            return Some(0);
        };
        let settled = |set: &Newest| {
            let same = told
                .values()
                .filter(|n| n.voters_version == set.voters_version);
            same.count() > set.voters / 2
        };
        let newest = told.values().map(|newest| newest.version).max();
        newest.filter(|_| told.values().any(settled))
    }

    /// Whether a record of this version may be obeyed, once that is known.
    fn allows(&self, version: u64) -> Option<bool> {
        self.least().map(|least| version >= least)
    }
}

impl Agent {
    /// A sentinel tells the newest version that it knows of.
    pub(super) fn on_newest(&mut self, from: Sentinel, newest: Newest) {
        self.floor.hear(from, newest);
    }

    /// Whether the sentinels are still to tell: until there is a record that may be obeyed.
    pub(super) fn asks_newest(&self) -> bool {
        let allows = |record: &Record| self.floor.allows(record.version) == Some(true);
        matches!(self.floor, Floor::Asking(_)) && !self.record.as_deref().is_some_and(allows)
    }

    /// Whether this record may be obeyed, as far as this agent can know what it has forgotten or missed.
    pub(super) fn may_trust(&self, record: &Record) -> bool {
        let blindly = matches!(
            self.settings.mutant,
            Mutant::TrustAnySentinel | Mutant::ForgetPromise
        );
        self.floor.allows(record.version).unwrap_or(blindly)
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
        let mut floor = Floor::default();
        floor.hear(Sentinel::from("a"), newest(3, 3, 1));
        assert_eq!(floor.least(), None);
        floor.hear(Sentinel::from("a"), newest(3, 3, 1));
        assert_eq!(floor.least(), None, "one voter, heard twice");
        floor.hear(Sentinel::from("b"), newest(7, 3, 1));
        assert_eq!(floor.least(), Some(7));
    }

    #[test]
    fn a_version_that_nobody_holds_any_more_is_not_waited_for() {
        let mut floor = Floor::default();
        floor.hear(Sentinel::from("a"), newest(8, 3, 1));
        floor.hear(Sentinel::from("b"), newest(7, 3, 1));
        assert_eq!(floor.least(), Some(8));
        floor.hear(Sentinel::from("a"), newest(7, 3, 1));
        assert_eq!(
            floor.least(),
            Some(7),
            "8 was accepted by one, and never committed"
        );
        floor.hear(Sentinel::from("c"), newest(9, 3, 1));
        floor.forget(&Sentinel::from("c"));
        assert_eq!(floor.least(), Some(7), "and so of one that is gone");
        floor.forget(&Sentinel::from("b"));
        assert_eq!(floor.least(), None);
    }

    #[test]
    fn words_of_different_sets_do_not_add_up() {
        let mut floor = Floor::default();
        floor.hear(Sentinel::from("a"), newest(3, 3, 1));
        floor.hear(Sentinel::from("b"), newest(4, 4, 2));
        floor.hear(Sentinel::from("c"), newest(4, 4, 2));
        assert_eq!(floor.least(), None);
        floor.hear(Sentinel::from("a"), newest(4, 4, 2));
        assert_eq!(floor.least(), Some(4));
    }

    #[test]
    fn who_has_found_one_need_not_ask() {
        assert_eq!(Floor::Found.least(), Some(0));
    }
}
