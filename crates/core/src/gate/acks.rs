//! Who has acknowledged how much, as read on the way from the replicas to the server.

use super::Hold;
use crate::mutant::Mutant;
use crate::names::{Address, Node};
use crate::syncset::SyncRule;
use std::collections::BTreeMap;

/// Acknowledgements per node. A node is its name: one that is connected twice counts once, an address that belongs to no
/// member, or to more than one, counts for nothing.
///
/// A restarted member that follows again is counted under its name, though it has no vote. That harms nothing: an election
/// hears |S|−k+1 members in the incarnation that counts, so it shares with those k names one that did not restart.
#[derive(Debug)]
pub(super) struct Acks {
    by_node: BTreeMap<Node, u64>,
    /// Planted bug: how much each connection has, whoever it is.
    by_address: BTreeMap<Address, u64>,
    mutant: Mutant,
}

impl Acks {
    pub(super) fn new(mutant: Mutant) -> Self {
        Self {
            by_node: BTreeMap::new(),
            by_address: BTreeMap::new(),
            mutant,
        }
    }

    /// Of another reign, or another server: nothing of it counts.
    pub(super) fn clear(&mut self) {
        self.by_node.clear();
        self.by_address.clear();
    }

    /// Whoever announces this address has applied so much. Returns whether that is news of a member.
    pub(super) fn note(&mut self, hold: &Hold, address: &Address, offset: u64) -> bool {
        if self.mutant == Mutant::CountConnections {
            self.by_address.insert(address.clone(), offset);
            return true;
        }
        let Some(node) = hold.member_at(address) else {
            return false;
        };
        match self.by_node.get_mut(node) {
            Some(most) if *most >= offset => return false,
            Some(most) => *most = offset,
            None => {
                self.by_node.insert(node.clone(), offset);
            }
        }
        true
    }

    /// Whether enough members of this rule have more than `offset`.
    pub(super) fn satisfy(&self, rule: &SyncRule, offset: u64) -> bool {
        let have = if self.mutant == Mutant::CountConnections {
            self.by_address
                .values()
                .filter(|has| **has > offset)
                .count()
        } else {
            let members = rule.members.keys();
            members.filter(|node| self.has(node, offset)).count()
        };
        have >= rule.k
    }

    /// How much this node has acknowledged.
    pub(super) fn of(&self, node: &Node) -> u64 {
        self.by_node.get(node).copied().unwrap_or(0)
    }

    /// Whether this node has more than `offset`.
    pub(super) fn has(&self, node: &Node, offset: u64) -> bool {
        // Planted bug: what was there before counts too.
        let early = self.mutant == Mutant::ReleaseNoOps;
        let floor = if early { offset } else { offset + 1 };
        self.by_node.get(node).is_some_and(|acked| *acked >= floor)
    }
}
