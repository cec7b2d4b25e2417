//! A barrier on its way through redis-server, `ROLE`, `PUBLISH`, `WAIT`, and acknowledgements on theirs through the gate.

use super::super::World;
use super::super::event::Event;
use super::Voice;
use super::members::command;
use crate::model::{Command, Micros};
use holdfast_core::gate::{Answer, Issue};
use holdfast_core::stamp::Stamp;

/// `WAIT` answers after this long whatever came.
const WAIT_US: Micros = 100_000;

/// A barrier that was begun and not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    life: u64,
    link: usize,
    replicas: usize,
    stamp: Option<Stamp>,
    /// What has to be acknowledged, once the marker is published.
    offset: Option<u64>,
    until: Micros,
}

/// What redis-server answers to a barrier's commands in one turn: it is read at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::world) struct Said([Option<Answer>; 3]);

impl Said {
    fn add(&mut self, answer: Answer) {
        if let Some(place) = self.0.iter_mut().find(|place| place.is_none()) {
            *place = Some(answer);
        }
    }
}

impl World {
    pub(super) fn send_barrier(&mut self, node: usize, issue: Issue) {
        let host = &mut self.nodes[node];
        let (Some(gate), Some(redis)) = (&mut host.gate, &host.redis) else {
            return;
        };
        let at = (self.now + host.rng.between(10, 100)).max(gate.free_at + 1);
        gate.free_at = at;
        let waiting = Waiting {
            life: gate.life,
            link: issue.link,
            replicas: issue.replicas,
            stamp: issue.stamp,
            offset: None,
            until: at + WAIT_US,
        };
        let redis_run = redis.run;
        self.queue.push(
            at,
            Event::Barrier {
                node,
                redis_run,
                waiting,
                first: true,
            },
        );
    }

    /// The barrier's commands reach redis-server, or what it waits for may have come.
    pub(in crate::world) fn on_barrier(
        &mut self,
        node: usize,
        redis_run: u64,
        mut waiting: Waiting,
        first: bool,
    ) {
        let now = self.now;
        if self.nodes[node]
            .redis
            .as_ref()
            .is_none_or(|r| r.run != redis_run)
        {
            return;
        }
        if !first && !self.take_wait(node, waiting) {
            return; // answered before its time was over
        }
        if waiting.offset.is_none() && self.is_busy(node) {
            return self.refuse_barrier(node, waiting, first);
        }
        let timed = waiting.offset.is_some();
        let mut said = Said::default();
        if first && waiting.stamp.is_none() {
            said.add(self.role(node));
        }
        let Some(redis) = &self.nodes[node].redis else {
            return;
        };
        let offset = match waiting.offset {
            Some(offset) => offset,
            // A pause holds marker and stamp back, and with it what follows.
            None if redis.server.is_paused() => {
                self.say(node, waiting, said);
                return self.wait(node, waiting);
            }
            None => {
                let Some(offset) = self.mark(node, waiting, &mut said) else {
                    return;
                };
                self.strangers_acknowledge(node, redis_run, offset);
                waiting.offset = Some(offset);
                waiting.until = now + WAIT_US;
                offset
            }
        };
        let Some(redis) = &self.nodes[node].redis else {
            return;
        };
        let acked = redis.server.acks().filter(|(_, acked)| *acked >= offset);
        let count = acked.count() + usize::from(self.stranger);
        let waits = redis.server.is_primary() && count < waiting.replicas && now < waiting.until;
        if !waits {
            said.add(Answer::Count(count as u64));
        }
        self.say(node, waiting, said);
        if waits && !timed {
            self.wake_at_end(node, redis_run, waiting);
        }
        if waits {
            self.wait(node, waiting);
        }
    }

    fn is_busy(&self, node: usize) -> bool {
        let redis = self.nodes[node].redis.as_ref();
        redis.is_some_and(|redis| redis.server.busy_since().is_some())
    }

    /// A script runs: each of the barrier's commands that was not answered yet is refused.
    fn refuse_barrier(&mut self, node: usize, waiting: Waiting, first: bool) {
        let left = if first || waiting.stamp.is_some() {
            3
        } else {
            2
        };
        let mut said = Said::default();
        (0..left).for_each(|_| said.add(Answer::Refused));
        self.say(node, waiting, said);
    }

    /// The marker is published, or the stamp written; returns the offset behind it. The replicas are asked how far they are.
    fn mark(&mut self, node: usize, waiting: Waiting, said: &mut Said) -> Option<u64> {
        let now = self.now;
        let command = waiting.stamp.map_or(Command::Publish, Command::Stamp);
        let (outcome, offset) = self.with_redis(node, |server| {
            let marked = (server.command(now, command), server.offset());
            let _ = server.command(now, Command::GetAck);
            marked
        })?;
        let refused = waiting.stamp.is_some() && outcome.is_err();
        said.add(if refused {
            Answer::Refused
        } else {
            Answer::Count(0)
        });
        if waiting.stamp.is_some() {
            // What it tells is where the stream was before it asked the replicas.
            said.add(self.role_at(node, offset));
        }
        Some(offset)
    }

    /// An acknowledgement has reached the node that its sender follows, through the gate in that node's agent.
    pub(in crate::world) fn gate_overhears(&mut self, node: usize, link: u64, offset: u64) {
        let host = &self.nodes[node];
        let Some(redis) = &host.redis else { return };
        let (run, redis_run, voice) = (host.run, redis.run, Voice::Link(link));
        if host.agent_frozen_until <= self.now {
            return self.on_gate_sees(node, redis_run, voice, offset);
        }
        let sees = Event::GateSees {
            node,
            run,
            redis_run,
            voice,
            offset,
        };
        self.queue.push(self.now, sees);
    }

    /// What the gate has read counts if it could still be handed on: to that process, on a connection that it kept.
    pub(in crate::world) fn on_gate_sees(
        &mut self,
        node: usize,
        redis_run: u64,
        voice: Voice,
        offset: u64,
    ) {
        let now = self.now;
        let host = &mut self.nodes[node];
        let (Some(gate), Some(redis)) = (&mut host.gate, &host.redis) else {
            return;
        };
        if redis.run != redis_run {
            return;
        }
        let Voice::Link(link) = voice else {
            return self.stranger_speaks(node, voice, offset);
        };
        let said = command(&["REPLCONF", "ACK", &offset.to_string()]);
        let member = gate.lines.get_mut(&link);
        let member = member.filter(|_| redis.links.contains_key(&link));
        if let Some((Some((following, most)), _)) = member.map(|one| one.say(&said)) {
            gate.core.acknowledged(now, following, most);
            self.pump(node);
        }
    }

    /// From here on it is woken.
    fn wait(&mut self, node: usize, waiting: Waiting) {
        if let Some(redis) = &mut self.nodes[node].redis {
            redis.waits.push(waiting);
        }
    }

    /// `WAIT` answers when its time is over.
    fn wake_at_end(&mut self, node: usize, redis_run: u64, waiting: Waiting) {
        let ends = Event::Barrier {
            node,
            redis_run,
            waiting,
            first: false,
        };
        self.queue.push(waiting.until, ends);
    }

    fn take_wait(&mut self, node: usize, waiting: Waiting) -> bool {
        let Some(redis) = &mut self.nodes[node].redis else {
            return false;
        };
        let known = redis.waits.iter().position(|one| *one == waiting);
        known.map(|at| redis.waits.remove(at)).is_some()
    }

    /// redis-server has heard an acknowledgement, a pause is over, or it has another role: those that wait look again.
    pub(in crate::world) fn wake_barriers(&mut self, node: usize) {
        let Some(redis) = &self.nodes[node].redis else {
            return;
        };
        let run = redis.run;
        for waiting in redis.waits.clone() {
            self.on_barrier(node, run, waiting, false);
        }
    }

    fn role(&self, node: usize) -> Answer {
        let redis = self.nodes[node].redis.as_ref();
        self.role_at(node, redis.map_or(0, |redis| redis.server.offset()))
    }

    /// What `ROLE` answers, with the stream at this offset.
    fn role_at(&self, node: usize, offset: u64) -> Answer {
        let Some(redis) = &self.nodes[node].redis else {
            return Answer::Refused;
        };
        if redis.server.is_loading() {
            return Answer::Refused;
        }
        if !redis.server.is_primary() {
            return Answer::NotMaster;
        }
        Answer::Master(offset)
    }

    fn say(&mut self, node: usize, waiting: Waiting, said: Said) {
        if said == Said::default() {
            return;
        }
        let at = self.local_answer(node);
        let run = self.nodes[node].run;
        let says = Event::BarrierSays {
            node,
            run,
            life: waiting.life,
            link: waiting.link,
            said,
        };
        self.queue.push(at, says);
    }

    pub(in crate::world) fn on_barrier_says(
        &mut self,
        node: usize,
        life: u64,
        link: usize,
        said: Said,
    ) {
        let now = self.now;
        let Some(gate) = self.nodes[node].gate.as_mut().filter(|g| g.life == life) else {
            return;
        };
        for answer in said.0.into_iter().flatten() {
            gate.core.answer(now, link, answer);
        }
        self.pump(node);
    }
}
