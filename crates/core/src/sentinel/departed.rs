//! Nodes that were taken away for good: the group is configured with fewer than it had.
//!
//! The rule: where the record holds `x-0` to `x-(n-1)` for the configured number n, a node `x-i` with i >= n is surplus. One
//! that is not primary and was not heard for [`DEPARTED_AFTER`] is forgotten, so that no start waits for it. It may come
//! back: then it joins as a new node does. Names that do not end in such numbers are never forgotten by themselves.

use super::{Decision, GroupState, SentinelCore};
use crate::limits::DEPARTED_AFTER;
use crate::names::{Group, Node};
use crate::record::Record;
use crate::time::Millis;
use std::collections::BTreeSet;

impl SentinelCore {
    /// Takes departed nodes out of the record. Returns whether there were any.
    pub(super) fn drive_departures(&mut self, now: Millis, name: &Group, record: &Record) -> bool {
        let Some(group) = self.groups.get(name) else {
            return false;
        };
        let gone: BTreeSet<Node> = surplus(&record.nodes, group.config.nodes)
            .filter(|node| !record.names(node) && self.is_departed(now, group, node))
            .cloned()
            .collect();
        if gone.is_empty() {
            return false;
        }
        let nodes = record.nodes.difference(&gone).cloned().collect();
        let reason = Decision::NodesDeparted(gone.into_iter().collect(), group.config.nodes);
        let next = record.with_nodes(nodes, &self.settings.name, reason);
        self.propose(now, name, next);
        true
    }

    /// No longer shows departed nodes once the record is without them.
    pub(super) fn drop_departed(&mut self, now: Millis, name: &Group) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let Some(record) = &group.record else { return };
        if group.nodes.len() <= group.config.nodes {
            return;
        }
        let all: BTreeSet<Node> = group.nodes.keys().chain(&record.nodes).cloned().collect();
        let gone: Vec<Node> = surplus(&all, group.config.nodes)
            .filter(|node| !record.nodes.contains(*node) && self.is_departed(now, group, node))
            .cloned()
            .collect();
        if let Some(group) = self.groups.get_mut(name) {
            group.nodes.retain(|node, _| !gone.contains(node));
        }
    }

    fn is_departed(&self, now: Millis, group: &GroupState, node: &Node) -> bool {
        let heard = match group.nodes.get(node) {
            Some(state) if state.linked => return false,
            Some(state) => state.heard_at,
            None => self.started_at.unwrap_or(now),
        };
        now >= heard + DEPARTED_AFTER
    }
}

/// The nodes beyond the first `count`, where those are all there.
fn surplus(nodes: &BTreeSet<Node>, count: usize) -> impl Iterator<Item = &Node> {
    let beyond = move |node: &&Node| {
        numbered(node).is_some_and(|(stem, number)| {
            number >= count
                && (0..count).all(|i| nodes.contains(&Node::from(format!("{stem}-{i}"))))
        })
    };
    nodes.iter().filter(beyond)
}

/// `redis-12` is number 12 of `redis`.
fn numbered(node: &Node) -> Option<(&str, usize)> {
    let (stem, number) = node.as_str().rsplit_once('-')?;
    Some((stem, number.parse().ok()?))
}
