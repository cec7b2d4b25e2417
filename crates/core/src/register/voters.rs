//! Whose answers count.

use super::Versioned;
use crate::names::Sentinel;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The sentinels that vote, each with the identity that its disk gives it. It changes by one member
/// at a time, so that any majority before and any majority after a change share a member.
///
/// A sentinel that lost its disk comes back under its name with another identity: its old promises
/// are gone, so it is no voter until the others have removed the old identity and added the new one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Voters {
    /// Grows by one with each change; 0 means that the set has not been formed yet.
    pub version: u64,
    /// Name to identity.
    pub members: BTreeMap<Sentinel, String>,
}

impl Voters {
    /// The first set.
    pub fn first(members: BTreeMap<Sentinel, String>) -> Self {
        Self {
            version: 1,
            members,
        }
    }

    /// How many make a majority. An unformed set has none: the answer is then out of reach.
    pub fn majority(&self) -> usize {
        if self.members.is_empty() {
            usize::MAX
        } else {
            self.members.len() / 2 + 1
        }
    }

    /// Whether this very identity votes.
    pub fn has(&self, name: &Sentinel, identity: &str) -> bool {
        self.members
            .get(name)
            .is_some_and(|known| known == identity)
    }

    /// The set without `name`, as the next version.
    #[must_use]
    pub fn without(&self, name: &Sentinel) -> Self {
        let mut next = self.clone();
        next.version += 1;
        next.members.remove(name);
        next
    }

    /// The set with one more member, as the next version.
    #[must_use]
    pub fn with(&self, name: &Sentinel, identity: &str) -> Self {
        let mut next = self.clone();
        next.version += 1;
        next.members.insert(name.clone(), identity.to_owned());
        next
    }

    /// Whether `next` may follow this set: the next version, and at most one member added or removed.
    pub fn may_become(&self, next: &Self) -> bool {
        let removed = self.members.iter().filter(|(n, i)| !next.has(n, i)).count();
        let added = next.members.iter().filter(|(n, i)| !self.has(n, i)).count();
        next.version == self.version + 1 && removed + added <= 1 && !next.members.is_empty()
    }
}

/// A sentence.
impl fmt::Display for Voters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.members.keys().map(Sentinel::as_str).collect();
        let (names, version) = (names.join(", "), self.version);
        write!(f, "the voters are {names} now (version {version})")
    }
}

impl Versioned for Voters {
    fn version(&self) -> u64 {
        self.version
    }
}
