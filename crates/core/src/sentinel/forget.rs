//! A person's word that nodes will not come back.

use super::{Decision, GroupState, SentinelCore};
use crate::names::{Group, Node};
use crate::record::Record;
use crate::time::Millis;
use std::collections::BTreeSet;

/// Whoever asked is told so when no majority has written the change within this long.
const WRITTEN_WITHIN: Millis = 3_000;

/// Somebody who waits until nodes have left the record.
#[derive(Clone, Debug)]
pub(super) struct Forgetting {
    id: u64,
    at: Millis,
    gone: BTreeSet<Node>,
}

impl Forgetting {
    fn told(&self) -> Decision {
        Decision::NodesForgotten(self.gone.iter().cloned().collect())
    }
}

impl SentinelCore {
    /// Nodes that only this sentinel remembers are dropped at once. Those in the record only while it is stable, so
    /// that no election loses a node half-way; who asked is answered when that is written.
    pub(super) fn ask_forget(
        &mut self,
        now: Millis,
        id: u64,
        name: &Group,
        node: Option<Node>,
    ) -> Result<Option<String>, String> {
        let record = self.known(name)?.clone();
        let group = self.groups.get(name).ok_or("unknown group")?;
        let gone = gone(group, &record, node)?;
        if gone.is_empty() {
            return Ok(Some("there is nothing to forget".to_owned()));
        }
        let asked = Forgetting { id, at: now, gone };
        let recorded = !record.nodes.is_disjoint(&asked.gone);
        if recorded {
            self.may_write(now, name, &record)?;
        }
        let told = asked.told();
        if let Some(group) = self.groups.get_mut(name) {
            group.nodes.retain(|n, _| !asked.gone.contains(n));
        }
        if !recorded {
            return Ok(Some(told.to_string()));
        }
        let nodes = &record.nodes - &asked.gone;
        if let Some(group) = self.groups.get_mut(name) {
            group.forgetting = Some(asked);
        }
        let next = record.with_nodes(nodes, &self.settings.name, told);
        self.propose(now, name, next);
        Ok(None)
    }

    /// Answers who waits, once the record is without those nodes or it takes too long.
    pub(super) fn tend_forgetting(&mut self, now: Millis, name: &Group) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let (Some(asked), Some(record)) = (&group.forgetting, &group.record) else {
            return;
        };
        let said = if record.nodes.is_disjoint(&asked.gone) {
            Ok(asked.told().to_string())
        } else if now >= asked.at + WRITTEN_WITHIN {
            Err(format!(
                "no majority of sentinels wrote that within {WRITTEN_WITHIN} ms; see `holdfast status` and ask again"
            ))
        } else {
            return;
        };
        let id = asked.id;
        group.forgetting = None;
        self.answer(name, id, said);
    }
}

/// The nodes that can be forgotten: this one, or all that are not connected. Never the primary.
fn gone(group: &GroupState, record: &Record, node: Option<Node>) -> Result<BTreeSet<Node>, String> {
    let linked = |n: &Node| group.nodes.get(n).is_some_and(|s| s.linked);
    let known = group.nodes.keys().chain(&record.nodes);
    let Some(node) = node else {
        let gone = known.filter(|n| !linked(n) && !record.names(n));
        return Ok(gone.cloned().collect());
    };
    if linked(&node) {
        return Err(format!("{node} is connected; stop it first"));
    }
    if record.names(&node) {
        return Err(format!(
            "{node} was the primary until now; ask again when another node is"
        ));
    }
    let gone: BTreeSet<Node> = known.filter(|n| **n == node).cloned().collect();
    if gone.is_empty() {
        return Err(format!("no node is called {node}"));
    }
    Ok(gone)
}
