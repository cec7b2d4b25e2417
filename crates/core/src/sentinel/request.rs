//! What people and programs ask for.

use super::handoff::{ASKED_MAX, Asked};
use super::{Answer, GroupState, Request, SentinelCore, SentinelOutput};
use crate::names::{Group, Node};
use crate::record::{Phase, Record};
use crate::time::Millis;
use std::collections::BTreeSet;

impl SentinelCore {
    pub(super) fn on_ask(&mut self, now: Millis, id: u64, name: &Group, request: Request) {
        let result = match request {
            Request::Handoff(to) => self.ask_handoff(now, id, name, to),
            Request::Force(node) => self.ask_force(name, node).map(Some),
            Request::Forget(node) => self.ask_forget(now, name, node).map(Some),
        };
        match result {
            Ok(None) => self.tend(now, name),
            Ok(Some(text)) => {
                let record = self.groups.get(name).and_then(|g| g.record.as_ref());
                let epoch = record.map_or(0, |r| r.epoch);
                let answer = Answer {
                    from: None,
                    to: None,
                    epoch,
                    pause_ms: 0,
                    text,
                };
                self.out.push(SentinelOutput::Answer {
                    id,
                    result: Ok(answer),
                });
                self.tend(now, name);
            }
            Err(why) => self.out.push(SentinelOutput::Answer {
                id,
                result: Err(why),
            }),
        }
    }

    fn known(&self, name: &Group) -> Result<&Record, String> {
        let group = self
            .groups
            .get(name)
            .ok_or_else(|| format!("no group is called {name} here"))?;
        group
            .record
            .as_ref()
            .ok_or_else(|| format!("{name} has not been started yet"))
    }

    fn ask_handoff(
        &mut self,
        now: Millis,
        id: u64,
        name: &Group,
        to: Option<Node>,
    ) -> Result<Option<String>, String> {
        let record = self.known(name)?.clone();
        if !self.votes() {
            return Err("this sentinel does not vote yet; ask another one".to_owned());
        }
        if record.phase != Phase::Stable {
            return Err("INPROG an election or a handoff is under way already".to_owned());
        }

        let group = self.groups.get_mut(name).ok_or("unknown group")?;
        if group.asked.len() >= ASKED_MAX {
            return Err("INPROG too many requests wait for a handoff".to_owned());
        }
        let from = record.primary.as_ref().map(|p| p.node.clone());
        group.asked.push(Asked {
            id,
            at: now,
            epoch: record.epoch,
            from,
            to: to.clone(),
        });
        group.wanted = Some(to);
        Ok(None)
    }

    /// A person's explicit word to go on from one node's data. It counts for the election under way.
    fn ask_force(&mut self, name: &Group, node: Node) -> Result<String, String> {
        let group = self
            .groups
            .get_mut(name)
            .ok_or_else(|| format!("no group is called {name} here"))?;
        if group
            .record
            .as_ref()
            .is_some_and(|r| r.phase != Phase::Electing)
        {
            return Err(format!("{name} has a primary; nothing has to be forced"));
        }
        if !group.nodes.get(&node).is_some_and(|n| n.linked) {
            return Err(format!("{node} is not connected"));
        }
        let text = format!("goes on from the data of {node}, on a person's word");
        group.force = Some(node);
        self.decide(name, text.clone());
        Ok(text)
    }

    /// A person's word that nodes will not come back. Those that only this sentinel remembers are dropped
    /// at once; those in the record only while it is stable, so that no election loses a node half-way.
    fn ask_forget(
        &mut self,
        now: Millis,
        name: &Group,
        node: Option<Node>,
    ) -> Result<String, String> {
        let record = self.known(name)?.clone();
        let group = self.groups.get(name).ok_or("unknown group")?;
        let gone = gone(group, &record, node)?;
        if gone.is_empty() {
            return Ok("there is nothing to forget".to_owned());
        }
        let names: Vec<&str> = gone.iter().map(Node::as_str).collect();
        let text = format!("forgot {}", names.join(", "));
        let recorded = !record.nodes.is_disjoint(&gone);
        if recorded {
            self.may_write(now, name, &record)?;
        }
        if let Some(group) = self.groups.get_mut(name) {
            group.nodes.retain(|n, _| !gone.contains(n));
        }
        if recorded {
            let nodes = &record.nodes - &gone;
            let next = record.with_nodes(nodes, &self.settings.name, text.clone());
            self.propose(now, name, next);
        }
        Ok(text)
    }

    /// Whether a change of the record that a person wants can be tried now.
    fn may_write(&self, now: Millis, name: &Group, record: &Record) -> Result<(), String> {
        if !self.votes() {
            return Err("this sentinel does not vote yet; ask another one".to_owned());
        }
        if record.phase != Phase::Stable {
            return Err(format!(
                "INPROG {name} has no primary at present, so its nodes cannot change; ask again when it has one, \
                 or let it go on from what is left with `holdfast force NODE --accept-loss`"
            ));
        }
        if !self
            .groups
            .get(name)
            .is_some_and(|g| g.changing.is_idle(now))
        {
            return Err(format!(
                "INPROG the record of {name} is just being changed; ask again"
            ));
        }
        Ok(())
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
    Ok(known.filter(|n| **n == node).cloned().collect())
}
