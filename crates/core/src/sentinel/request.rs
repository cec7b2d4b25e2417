//! What people and programs ask for.

use super::handoff::{ASKED_MAX, Asked};
use super::{Answer, Request, SentinelCore, SentinelOutput};
use crate::names::{Group, Node};
use crate::record::{Phase, Record};
use crate::time::Millis;

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

    fn ask_forget(
        &mut self,
        now: Millis,
        name: &Group,
        node: Option<Node>,
    ) -> Result<String, String> {
        let record = self.known(name)?.clone();
        let group = self.groups.get_mut(name).ok_or("unknown group")?;
        let linked = |n: &Node| group.nodes.get(n).is_some_and(|s| s.linked);
        let gone: Vec<Node> = match node {
            Some(node) if linked(&node) => {
                return Err(format!("{node} is connected; stop it first"));
            }
            Some(node) => vec![node],
            None => group
                .nodes
                .keys()
                .chain(&record.nodes)
                .filter(|n| !linked(n))
                .cloned()
                .collect(),
        };
        let known = |n: &Node| group.nodes.contains_key(n) || record.nodes.contains(n);
        let gone: std::collections::BTreeSet<Node> = gone
            .into_iter()
            .filter(|n| !record.names(n) && known(n))
            .collect();
        if gone.is_empty() {
            return Ok("there is nothing to forget".to_owned());
        }
        group.nodes.retain(|n, _| !gone.contains(n));
        let nodes: std::collections::BTreeSet<Node> = record
            .nodes
            .iter()
            .filter(|n| !gone.contains(n))
            .cloned()
            .collect();
        if nodes.len() < record.nodes.len() && record.phase == Phase::Stable {
            let names: Vec<&str> = gone.iter().map(Node::as_str).collect();
            let reason = format!("forgot {}", names.join(", "));
            let next = record.with_nodes(nodes, &self.settings.name, reason);
            self.propose(now, name, next);
        }
        let names: Vec<&str> = gone.iter().map(Node::as_str).collect();
        Ok(format!("forgot {}", names.join(", ")))
    }
}
