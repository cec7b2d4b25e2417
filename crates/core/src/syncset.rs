//! Whose acknowledgements count, and who must be heard before somebody is elected.
//!
//! A reply is released when k of the sync set S have the write; an election hears at least |S|−k+1
//! of them after sealing. The two always share a member, also while the set changes, because then
//! both the old and the new rule must be satisfied.

use crate::names::{Address, Incarnation, Node};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A sync set S and its k. `k = 0` is `async` durability: nothing is waited for, anyone may be heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SyncRule {
    /// The members, each in the incarnation that counts.
    pub members: BTreeMap<Node, Incarnation>,
    /// How many of them must have a write before its reply is released.
    pub k: usize,
    /// Where the members say that they are reached, which is how redis-server names them.
    #[serde(default)]
    pub addresses: BTreeMap<Node, Address>,
}

/// A node in one incarnation, as heard.
pub type Heard = BTreeSet<(Node, Incarnation)>;

impl SyncRule {
    /// How many of the members are in `heard`, in the incarnation that counts.
    pub fn count(&self, heard: &Heard) -> usize {
        self.members
            .iter()
            .filter(|(n, i)| heard.contains(&((*n).clone(), (*i).clone())))
            .count()
    }

    /// Whether those who acknowledged suffice to release a reply.
    pub fn may_commit(&self, acknowledged: &Heard) -> bool {
        self.count(acknowledged) >= self.k
    }

    /// Whether those sealed suffice to elect: every set that can commit has a member among them.
    pub fn may_elect(&self, sealed: &Heard) -> bool {
        self.k == 0 || self.count(sealed) + self.k > self.members.len()
    }
}

/// Whether an election may go on with these sealed nodes. While an epoch is not stable the rule of
/// the epoch before still holds as well.
pub fn may_elect(rule: &SyncRule, previous: Option<&SyncRule>, sealed: &Heard) -> bool {
    rule.may_elect(sealed) && previous.is_none_or(|previous| previous.may_elect(sealed))
}
