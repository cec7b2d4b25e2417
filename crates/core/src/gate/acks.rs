//! Who has acknowledged how much, as read on the way from the replicas to the server.

use super::Hold;
use crate::mutant::Mutant;
use crate::names::{Address, Node};
use crate::syncset::SyncRule;
use std::collections::BTreeMap;

/// One connection of a member during its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Following(u64);

/// What is known of it.
#[derive(Debug)]
struct Line {
    node: Option<Node>,
    address: Option<Address>,
    acknowledged: u64,
}

/// Acknowledgements of connections that stand. A member is known by the name that it proved and the address that it
/// announces: both must be those of the rule. Of several connections of one member the newest that stands counts, and that
/// alone: older ones are what a broken network has left behind. What a connection acknowledged ends with it.
///
/// A restarted member that follows again is counted under its name, though it has no vote. That harms nothing: an election
/// hears |S|−k+1 members in the incarnation that counts, so it shares with those k names one that did not restart.
#[derive(Debug)]
pub(super) struct Acks {
    next: u64,
    lines: BTreeMap<Following, Line>,
    newest: BTreeMap<Node, Following>,
    mutant: Mutant,
}

impl Acks {
    pub(super) fn new(mutant: Mutant) -> Self {
        Self {
            next: 0,
            lines: BTreeMap::new(),
            newest: BTreeMap::new(),
            mutant,
        }
    }

    /// Of another reign, or another server: nothing that was acknowledged counts. Whoever is connected may acknowledge more.
    pub(super) fn clear(&mut self) {
        if self.mutant == Mutant::RememberAcknowledgements {
            return;
        }
        self.lines
            .values_mut()
            .for_each(|line| line.acknowledged = 0);
    }

    /// A connection got the stream.
    pub(super) fn follow(&mut self, node: Option<&Node>, address: Option<&Address>) -> Following {
        let following = Following(self.next);
        self.next += 1;
        if let Some(node) = node {
            self.newest.insert(node.clone(), following);
        }
        let line = Line {
            node: node.cloned(),
            address: address.cloned(),
            acknowledged: 0,
        };
        self.lines.insert(following, line);
        following
    }

    /// It has ended.
    pub(super) fn leave(&mut self, following: Following) {
        if self.mutant == Mutant::RememberAcknowledgements {
            return;
        }
        let Some(node) = self.lines.remove(&following).and_then(|line| line.node) else {
            return;
        };
        let others = self.lines.iter().rev();
        let next = others.filter(|(_, line)| line.node.as_ref() == Some(&node));
        match next.map(|(following, _)| *following).next() {
            Some(newest) => self.newest.insert(node, newest),
            None => self.newest.remove(&node),
        };
    }

    /// It has applied so much. Returns whether that is news of a member.
    pub(super) fn note(&mut self, hold: &Hold, following: Following, offset: u64) -> bool {
        let known = self.member(hold, following).is_some();
        let counts = known || self.mutant == Mutant::CountConnections;
        match self.lines.get_mut(&following) {
            Some(line) if counts && line.acknowledged < offset => {
                line.acknowledged = offset;
                true
            }
            _ => false,
        }
    }

    /// The member that this connection is by the rules, if it is its newest.
    pub(super) fn member(&self, hold: &Hold, following: Following) -> Option<&Node> {
        let line = self.lines.get(&following)?;
        let node = hold.member_at(line.address.as_ref()?)?;
        self.newest
            .get_key_value(node)
            .filter(|(_, newest)| **newest == following)
            .map(|(node, _)| node)
    }

    /// Whether enough members of this rule have more than `offset`.
    pub(super) fn satisfy(&self, rule: &SyncRule, offset: u64) -> bool {
        let have = if self.mutant == Mutant::CountConnections {
            let lines = self.lines.values();
            lines.filter(|line| line.acknowledged > offset).count()
        } else {
            let members = rule.members.keys();
            members.filter(|node| self.has(node, offset)).count()
        };
        have >= rule.k
    }

    /// How much this node has acknowledged.
    pub(super) fn of(&self, node: &Node) -> u64 {
        if self.mutant == Mutant::RememberAcknowledgements {
            let all = self.lines.values();
            let lines = all.filter(|line| line.node.as_ref() == Some(node));
            return lines.map(|line| line.acknowledged).max().unwrap_or(0);
        }
        let line = self.newest(node).and_then(|one| self.lines.get(&one));
        line.map_or(0, |line| line.acknowledged)
    }

    /// The connection of this node that counts.
    pub(super) fn newest(&self, node: &Node) -> Option<Following> {
        self.newest.get(node).copied()
    }

    /// Whether this node has more than `offset`.
    pub(super) fn has(&self, node: &Node, offset: u64) -> bool {
        // Planted bug: what was there before counts too.
        let early = self.mutant == Mutant::ReleaseNoOps;
        let acknowledged = self.of(node);
        acknowledged > offset || (early && acknowledged == offset && acknowledged > 0)
    }
}
