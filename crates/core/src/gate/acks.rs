//! Who has acknowledged how much, by one reply to `ROLE`.

use crate::mutant::Mutant;
use crate::names::{Address, Node};
use crate::syncset::SyncRule;
use std::collections::BTreeMap;

/// One connected replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// What it announces.
    pub address: Address,
    /// Bytes of the stream that it has applied.
    pub offset: u64,
}

/// What a master says to `ROLE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// Bytes of the stream so far: what it has executed before this reply has an offset up to here.
    pub offset: u64,
    /// The replicas that are connected and stream.
    pub acks: Vec<Ack>,
}

/// Acknowledgements per node. A node is its name: one that is connected twice counts once, an address that belongs to no
/// member counts for nothing.
///
/// A restarted member that follows again is counted under its name, though it has no vote. That harms nothing: an election
/// hears |S|−k+1 members in the incarnation that counts, so it shares with those k names one that did not restart.
#[derive(Debug)]
pub(super) struct Acks<'a> {
    by_node: BTreeMap<&'a Node, u64>,
    /// Planted bug: how much each connection has, whoever it is.
    by_connection: Option<Vec<u64>>,
    /// Planted bug: what was there before counts too.
    early: bool,
}

impl<'a> Acks<'a> {
    pub(super) fn of(role: &Role, members: &'a BTreeMap<Node, Address>, mutant: Mutant) -> Self {
        let mut by_node = BTreeMap::new();
        for (node, address) in members {
            let own = role.acks.iter().filter(|ack| ack.address == *address);
            if let Some(most) = own.map(|ack| ack.offset).max() {
                by_node.insert(node, most);
            }
        }
        let all = || role.acks.iter().map(|ack| ack.offset).collect();
        Self {
            by_node,
            by_connection: (mutant == Mutant::CountConnections).then(all),
            early: mutant == Mutant::ReleaseNoOps,
        }
    }

    /// Whether enough members of this rule have more than `offset`.
    pub(super) fn satisfy(&self, rule: &SyncRule, offset: u64) -> bool {
        let have = match &self.by_connection {
            Some(all) => all.iter().filter(|acked| **acked > offset).count(),
            None => rule
                .members
                .keys()
                .filter(|node| self.has(node, offset))
                .count(),
        };
        have >= rule.k
    }

    /// Whether this node has more than `offset`.
    pub(super) fn has(&self, node: &Node, offset: u64) -> bool {
        let floor = if self.early { offset } else { offset + 1 };
        self.by_node.get(node).is_some_and(|acked| *acked >= floor)
    }
}
