//! Whose acknowledgements count, and who must be heard before somebody is elected.
//!
//! A reply is released when k of the sync set S have the write; an election hears at least |S|−k+1
//! of them after sealing. The two always share a member. While a rule is new, what was released under
//! the one before it may be nowhere else: until the gate has confirmed that the new rule covers
//! everything, elections satisfy both.

use crate::names::{Address, Epoch, Incarnation, Node};
use crate::record::Member;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A sync set S and its k. `k = 0` is `async` durability: nothing is waited for, anyone may be heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SyncRule {
    /// The members, each in the incarnation that counts.
    pub members: BTreeMap<Node, Incarnation>,
    /// How many of them must have a write before its reply is released.
    pub k: usize,
    /// Whether an acknowledgement means a member's disk, so that one that restarts is heard by what its disk holds.
    #[serde(default)]
    pub on_disk: bool,
    /// Where the members say that they are reached, which is how redis-server names them.
    #[serde(default)]
    pub addresses: BTreeMap<Node, Address>,
}

/// A rule that held before, and may still be the only one that knows where a released write is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FormerRule {
    /// The rule.
    pub rule: SyncRule,
    /// The last epoch in which it held. Whoever has the history of a later one has all that was released under it.
    pub until: Epoch,
}

/// A node in one incarnation, as heard.
pub type Heard = BTreeSet<(Node, Incarnation)>;

impl SyncRule {
    /// The rule that `k` of `members` must have a write.
    pub fn of(members: impl IntoIterator<Item = Member>, k: usize) -> Self {
        let mut rule = Self {
            k,
            ..Self::default()
        };
        for member in members {
            rule.addresses.insert(member.node.clone(), member.address);
            rule.members.insert(member.node, member.incarnation);
        }
        rule
    }

    /// The same rule, where acknowledgements mean disks or do not.
    #[must_use]
    pub fn on_disk(mut self, on_disk: bool) -> Self {
        self.on_disk = on_disk && self.k > 0;
        self
    }

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

/// Whether an election may go on with these sealed nodes, the furthest of which has the history of epoch `reach`.
pub fn may_elect(rule: &SyncRule, former: &[FormerRule], sealed: &Heard, reach: Epoch) -> bool {
    let covered = |former: &FormerRule| reach > former.until || former.rule.may_elect(sealed);
    rule.may_elect(sealed) && former.iter().all(covered)
}
