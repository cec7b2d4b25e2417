//! What people and programs ask for.

use super::handoff::{ASKED_MAX, Asked};
use super::keeps;
use super::{Answer, Decision, Request, SentinelCore, SentinelOutput};
use crate::names::{Group, Node};
use crate::record::{Phase, Record};
use crate::time::Millis;
use std::sync::Arc;

impl SentinelCore {
    pub(super) fn on_ask(&mut self, now: Millis, id: u64, name: &Group, request: Request) {
        let result = match request {
            Request::Handoff(to) => self.ask_handoff(now, id, name, to, false),
            Request::Downgrade(to) => self.ask_handoff(now, id, name, Some(to), true),
            Request::Force(node) => self.ask_force(name, node).map(Some),
            Request::Forget(node) => self.ask_forget(now, id, name, node),
        };
        match result {
            Ok(None) => self.tend(now, name),
            Ok(Some(text)) => {
                self.answer(name, id, Ok(text));
                self.tend(now, name);
            }
            Err(why) => self.answer(name, id, Err(why)),
        }
    }

    /// Answers a request that changed no primary.
    pub(super) fn answer(&mut self, name: &Group, id: u64, said: Result<String, String>) {
        let record = self.groups.get(name).and_then(|g| g.record.as_ref());
        let epoch = record.map_or(0, |r| r.epoch);
        let result = said.map(|text| Answer {
            from: None,
            to: None,
            epoch,
            pause_ms: 0,
            text,
        });
        self.out.push(SentinelOutput::Answer { id, result });
    }

    pub(super) fn known(&self, name: &Group) -> Result<&Record, String> {
        let group = self
            .groups
            .get(name)
            .ok_or_else(|| format!("no group is called {name} here"))?;
        group
            .record()
            .ok_or_else(|| format!("{name} has not been started yet"))
    }

    fn ask_handoff(
        &mut self,
        now: Millis,
        id: u64,
        name: &Group,
        to: Option<Node>,
        downgrade: bool,
    ) -> Result<Option<String>, String> {
        let record = self.known(name)?.clone();
        if !self.votes() {
            return Err("this sentinel does not vote yet; ask another one".to_owned());
        }
        if record.phase != Phase::Stable {
            return Err("INPROG an election or a handoff is under way already".to_owned());
        }
        self.paced(now, name)?;
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
            to,
            downgrade,
        });
        Ok(None)
    }

    /// Each handoff holds writes for a moment: a client that asks for one after the other must not hold them for good.
    fn paced(&self, now: Millis, name: &Group) -> Result<(), String> {
        let Some(group) = self.groups.get(name) else {
            return Ok(());
        };
        let pace = group.config.handoff_pace;
        let next = group.handed_at.map_or(0, |at| at + pace);
        if now >= next {
            return Ok(());
        }
        Err(format!(
            "INPROG the last handoff of {name} began {} ms ago, and there is at most one in {pace} ms: ask again in {} ms",
            (now + pace).saturating_sub(next),
            next - now
        ))
    }

    /// A person's explicit word to go on from one node's data. It counts for the election under way.
    fn ask_force(&mut self, name: &Group, node: Node) -> Result<String, String> {
        let group = self
            .groups
            .get_mut(name)
            .ok_or_else(|| format!("no group is called {name} here"))?;
        if group.is_unsure() {
            return Err(format!(
                "nodes of {name} know of a newer record than this sentinel, which is looking for it; ask again in a second"
            ));
        }
        let rules = |record: &Arc<Record>| record.phase != Phase::Electing;
        if group.record.as_ref().is_some_and(rules) && !group.is_put_back() {
            return Err(format!("{name} has a primary; nothing has to be forced"));
        }
        if !group.nodes.get(&node).is_some_and(|n| n.linked) {
            return Err(format!("{node} is not connected"));
        }
        let kept = keeps::by_force(group, &node);
        let told = Decision::Forced(node.clone(), kept);
        group.word = Some((node, group.newest_reign()));
        let text = told.to_string();
        self.decide(name, told);
        Ok(text)
    }

    /// Whether a change of the record that a person wants can be tried now.
    pub(super) fn may_write(
        &self,
        now: Millis,
        name: &Group,
        record: &Record,
    ) -> Result<(), String> {
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
