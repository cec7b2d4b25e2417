//! One acceptor's state for one key.

use super::{Ballot, Versioned};
use serde::{Deserialize, Serialize};

/// What one sentinel has promised and accepted for one key. It must be on disk before any answer
/// that follows from it leaves the process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot<V> {
    /// Nothing below this ballot is accepted any more.
    pub promised: Ballot,
    /// The last accepted value and its ballot.
    pub accepted: Option<(Ballot, V)>,
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        Self {
            promised: Ballot::zero(),
            accepted: None,
        }
    }
}

impl<V: Clone + Versioned> Slot<V> {
    /// Promises `ballot`, and tells what was accepted below it.
    ///
    /// # Errors
    /// The ballot already promised, when that one is higher.
    pub fn prepare(&mut self, ballot: &Ballot) -> Result<Option<(Ballot, V)>, Ballot> {
        if *ballot < self.promised {
            return Err(self.promised.clone());
        }
        self.promised = ballot.clone();
        Ok(self.accepted.clone())
    }

    /// Accepts `value` at `ballot`, and promises the same sentinel its ballot `next` in the same
    /// breath, which saves it the prepare round of its next change.
    ///
    /// An older value never takes the place of a newer one: the proposer has asked acceptors that know less, and is sent back
    /// to ask again. So a register that was put back does not wipe what others still hold.
    ///
    /// # Errors
    /// The ballot already promised, when that one is higher; `next`, when a newer value was accepted.
    pub fn accept(&mut self, ballot: &Ballot, value: V, next: &Ballot) -> Result<(), Ballot> {
        if self
            .accepted
            .as_ref()
            .is_some_and(|(known, _)| known == ballot)
        {
            // Asked again, because the first answer was slow or lost: it was accepted, and stays so.
            return Ok(());
        }
        if *ballot < self.promised {
            return Err(self.promised.clone());
        }
        let known = self.accepted.as_ref().map_or(0, |(_, v)| v.version());
        if value.version() < known {
            return Err(next.clone().max(self.promised.clone()));
        }
        self.promised = next.clone().max(ballot.clone());
        self.accepted = Some((ballot.clone(), value));
        Ok(())
    }
}
