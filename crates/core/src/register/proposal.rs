//! One compare-and-swap, driven to its end.

use super::{Ballot, Versioned, Voters};
use crate::names::Sentinel;
use crate::time::Millis;
use std::collections::BTreeMap;

/// How a finished proposal ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<V> {
    /// The desired value is committed.
    Written(V),
    /// Another version was there; it is committed now (`None`: the register is empty).
    Found(Option<V>),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<V> {
    /// Wait for more answers.
    Pending,
    /// Ask all voters to accept this.
    Accept {
        /// The ballot of this attempt.
        ballot: Ballot,
        /// The value to accept.
        value: V,
    },
    /// A majority has answered.
    Done(Outcome<V>),
    /// Somebody is ahead, with at least this ballot: try again later, above it.
    Beaten(Ballot),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage<V> {
    Preparing {
        promises: BTreeMap<Sentinel, Option<(Ballot, V)>>,
    },
    Accepting {
        value: V,
        written: bool,
        accepts: BTreeMap<Sentinel, Millis>,
    },
}

/// One attempt to replace version `expected` by `desired`. With no `desired` it is a read: whatever is
/// found is written back, so that what it returns is committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proposal<V> {
    ballot: Ballot,
    voters: Voters,
    expected: u64,
    desired: Option<V>,
    /// What the proposer's own slot holds.
    own: Option<(Ballot, V)>,
    stage: Stage<V>,
}

impl<V: Clone + Versioned> Proposal<V> {
    /// Starts with the prepare round: send `prepare(ballot)` to all voters.
    pub fn prepare(ballot: Ballot, voters: Voters, expected: u64, desired: Option<V>) -> Self {
        let stage = Stage::Preparing {
            promises: BTreeMap::new(),
        };
        Self {
            ballot,
            voters,
            expected,
            desired,
            own: None,
            stage,
        }
    }

    /// Counts what the proposer's own slot holds with what a majority answers, however late its own answer is. The slot has
    /// promised nothing above this ballot, so anything that it accepted was proposed below.
    #[must_use]
    pub fn knowing(mut self, own: Option<(Ballot, V)>) -> Self {
        self.own = own;
        self
    }

    /// Starts with the accept round, under a ballot that a majority reserved when it accepted this
    /// sentinel's last write, whose version was `expected`: send `accept(ballot, desired)` to all voters.
    pub fn accept(ballot: Ballot, voters: Voters, expected: u64, desired: V) -> Self {
        let stage = Stage::Accepting {
            value: desired.clone(),
            written: true,
            accepts: BTreeMap::new(),
        };
        Self {
            ballot,
            voters,
            expected,
            desired: Some(desired),
            own: None,
            stage,
        }
    }

    /// The ballot of this attempt.
    pub fn ballot(&self) -> &Ballot {
        &self.ballot
    }

    /// The voters whose answers count.
    pub fn voters(&self) -> &Voters {
        &self.voters
    }

    /// The value sent for acceptance, once there is one.
    pub fn value(&self) -> Option<&V> {
        match &self.stage {
            Stage::Accepting { value, .. } => Some(value),
            Stage::Preparing { .. } => None,
        }
    }

    /// The longest lease that any acceptor of the majority still grants, in its own milliseconds.
    pub fn lease_ms(&self) -> Millis {
        match &self.stage {
            Stage::Accepting { accepts, .. } => accepts.values().copied().max().unwrap_or(0),
            Stage::Preparing { .. } => 0,
        }
    }

    /// A promise arrived.
    pub fn on_promise(
        &mut self,
        from: &Sentinel,
        identity: &str,
        ballot: &Ballot,
        accepted: Option<(Ballot, V)>,
    ) -> Progress<V> {
        if *ballot != self.ballot || !self.voters.has(from, identity) {
            return Progress::Pending;
        }
        let Stage::Preparing { promises } = &mut self.stage else {
            return Progress::Pending;
        };
        promises.insert(from.clone(), accepted);
        if promises.len() < self.voters.majority() {
            return Progress::Pending;
        }
        // By version first. Where every acceptor has kept its disk the version and the ballot agree on what was chosen; where
        // one was put back, what others know of outweighs the ballot under which it wrote its older value again.
        let newest = promises.values().flatten().chain(&self.own);
        let newest = newest.max_by_key(|(ballot, value)| (value.version(), ballot));
        let current = newest.map(|(_, value)| value.clone());
        self.choose(current)
    }

    /// With a majority's promises the current value is known: decide what to have accepted.
    fn choose(&mut self, current: Option<V>) -> Progress<V> {
        // Less than what is known to be committed is only found where acceptors were put back: it counts for nothing.
        let matches = current.as_ref().map_or(0, Versioned::version) <= self.expected;
        let (value, written) = match (matches, self.desired.clone(), current) {
            (true, Some(desired), _) => (desired, true),
            (_, _, Some(current)) => (current, false),
            (_, _, None) => return Progress::Done(Outcome::Found(None)),
        };
        self.stage = Stage::Accepting {
            value: value.clone(),
            written,
            accepts: BTreeMap::new(),
        };
        Progress::Accept {
            ballot: self.ballot.clone(),
            value,
        }
    }

    /// An acceptance arrived, with the rest of the lease that its sender has granted.
    pub fn on_accepted(
        &mut self,
        from: &Sentinel,
        identity: &str,
        ballot: &Ballot,
        lease_ms: Millis,
    ) -> Progress<V> {
        if *ballot != self.ballot || !self.voters.has(from, identity) {
            return Progress::Pending;
        }
        let Stage::Accepting {
            value,
            written,
            accepts,
        } = &mut self.stage
        else {
            return Progress::Pending;
        };
        accepts.insert(from.clone(), lease_ms);
        if accepts.len() < self.voters.majority() {
            return Progress::Pending;
        }
        let value = value.clone();
        Progress::Done(if *written {
            Outcome::Written(value)
        } else {
            Outcome::Found(Some(value))
        })
    }

    /// A refusal arrived: somebody holds a higher ballot.
    pub fn on_refused(&self, ballot: &Ballot, promised: &Ballot) -> Progress<V> {
        if *ballot == self.ballot && *promised > self.ballot {
            Progress::Beaten(promised.clone())
        } else {
            Progress::Pending
        }
    }
}
