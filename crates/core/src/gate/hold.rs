//! The rules by which replies are released.

use crate::names::{Address, Epoch, Node};
use crate::syncset::SyncRule;
use std::collections::BTreeMap;

/// What has to be true before a reply is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The reign.
    pub epoch: Epoch,
    /// The record's version that these rules are from.
    pub version: u64,
    /// All must be satisfied; the newest is the last.
    pub rules: Vec<SyncRule>,
    /// What the members announce: by that they are known when they acknowledge. A member without one never counts.
    pub addresses: BTreeMap<Node, Address>,
}

impl Hold {
    /// By this one rule, which `version` of the record has set.
    pub fn by(epoch: Epoch, version: u64, rule: &SyncRule) -> Self {
        Self {
            epoch,
            version,
            rules: vec![rule.clone()],
            addresses: rule.addresses.clone(),
        }
    }

    /// Whether it is what [`Hold::by`] makes of the same.
    pub fn is_by(&self, epoch: Epoch, version: u64, rule: &SyncRule) -> bool {
        let same = self.epoch == epoch && self.version == version;
        same && matches!(&self.rules[..], [one] if one == rule) && self.addresses == rule.addresses
    }

    /// Whether an acknowledgement means disks.
    pub fn on_disk(&self) -> bool {
        self.rules.iter().any(|rule| rule.on_disk)
    }

    /// The member that announces this address, if it is one and no other does.
    pub(super) fn member_at(&self, address: &Address) -> Option<&Node> {
        let mut named = self.addresses.iter().filter(|(_, of)| *of == address);
        match (named.next(), named.next()) {
            (Some((node, _)), None) => Some(node),
            _ => None,
        }
    }

    /// The most acknowledgements that one of the rules asks for.
    pub(super) fn most_needed(&self) -> usize {
        self.rules.iter().map(|rule| rule.k).max().unwrap_or(0)
    }
}

/// A version that waits for its first barrier.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unconfirmed {
    pub(super) version: u64,
    /// The first barrier that can confirm it: everything released before was released before that.
    pub(super) first: u64,
    /// The offset behind that barrier.
    pub(super) offset: Option<u64>,
}

impl Unconfirmed {
    pub(super) fn see(&mut self, number: u64, offset: u64) {
        if number >= self.first {
            self.offset.get_or_insert(offset);
        }
    }

    pub(super) fn confirmed(self, satisfied: impl Fn(u64) -> bool) -> Option<u64> {
        self.offset
            .filter(|offset| satisfied(*offset))
            .map(|_| self.version)
    }
}
