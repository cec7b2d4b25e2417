//! The members whose acknowledgements are waited for. k of them release a reply; the others may have the stream in gulps, which
//! costs all of them less.

use super::Hold;
use super::acks::Acks;
use crate::names::Node;
use crate::syncset::SyncRule;
use std::cmp::Reverse;

/// In each rule in force the k members that have the most, and of equals those that were chosen before: so whoever falls
/// behind those that get the stream in gulps is not waited for any more.
#[derive(Debug, Default)]
pub(super) struct Awaited(Vec<Node>);

impl Awaited {
    /// Chooses anew.
    pub(super) fn choose(&mut self, hold: &Hold, acks: &Acks) {
        let before = std::mem::take(&mut self.0);
        for rule in &hold.rules {
            self.0.extend(foremost(rule, acks, &before));
        }
    }

    /// Forgets them all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether this one is waited for. Before the first choice all are.
    pub(super) fn contains(&self, node: &Node) -> bool {
        self.0.is_empty() || self.0.contains(node)
    }
}

fn foremost(rule: &SyncRule, acks: &Acks, before: &[Node]) -> impl Iterator<Item = Node> {
    let mut members: Vec<&Node> = rule.members.keys().collect();
    members.sort_by_key(|node| Reverse((acks.of(node), before.contains(node))));
    members.into_iter().take(rule.k).cloned()
}
