//! Who has acknowledged how much, by one reply to `ROLE`.

use crate::mutant::Mutant;
use crate::names::{Address, Node};
use crate::syncset::SyncRule;

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

/// Acknowledgements as they count for a rule: per named node. One that is connected twice counts once, and an address that
/// belongs to no member counts for nothing.
///
/// A restarted member that follows again is counted under its name, though it has no vote. That harms nothing: an election
/// hears |S|−k+1 members in the incarnation that counts, so it shares with those k names one that did not restart.
#[derive(Debug)]
pub(super) struct Acks<'a> {
    role: &'a Role,
    mutant: Mutant,
}

impl<'a> Acks<'a> {
    pub(super) fn of(role: &'a Role, mutant: Mutant) -> Self {
        Self { role, mutant }
    }

    /// Whether enough members of this rule have more than `offset`.
    pub(super) fn satisfy(&self, rule: &SyncRule, offset: u64) -> bool {
        let have = if self.mutant == Mutant::CountConnections {
            let all = self.role.acks.iter();
            all.filter(|ack| self.is_beyond(ack.offset, offset)).count()
        } else {
            let members = rule.members.keys();
            members.filter(|node| self.has(rule, node, offset)).count()
        };
        have >= rule.k
    }

    /// Whether this member has more than `offset`. One whose address is not known, or shared with a member before it, has
    /// nothing.
    pub(super) fn has(&self, rule: &SyncRule, node: &Node, offset: u64) -> bool {
        let Some(address) = rule.addresses.get(node) else {
            return false;
        };
        let owner = rule.addresses.iter().find(|(_, theirs)| *theirs == address);
        let mut own = self.role.acks.iter().filter(|ack| ack.address == *address);
        owner.is_some_and(|(owner, _)| owner == node)
            && own.any(|ack| self.is_beyond(ack.offset, offset))
    }

    fn is_beyond(&self, acked: u64, offset: u64) -> bool {
        acked > offset || (self.mutant == Mutant::ReleaseNoOps && acked == offset)
    }
}
