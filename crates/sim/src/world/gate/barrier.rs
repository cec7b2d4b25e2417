//! A barrier on its way through redis-server, `ROLE`, `PUBLISH`, `WAIT`, and acknowledgements on theirs through the gate.

use super::super::World;
use super::super::event::Event;
use super::super::network::Place;
use crate::model::{Command, Micros};
use holdfast_core::gate::{Answer, Issue};
use holdfast_core::names::Address;
use holdfast_core::stamp::Stamp;

/// `WAIT` answers after this long whatever came.
const WAIT_US: Micros = 100_000;

/// A barrier that a pause holds back looks at this pace whether it is over; a real one is woken.
const LOOK_US: Micros = 200;

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

    /// The barrier's commands reach redis-server, or the one that it waits in looks again.
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
        let waited = waiting.offset.is_some();
        if waited && !self.take_wait(node, waiting) {
            return; // answered before its time was over
        }
        if first && waiting.stamp.is_none() {
            let role = self.role(node);
            self.say(node, waiting, role);
        }
        let Some(redis) = &self.nodes[node].redis else {
            return;
        };
        let offset = match waiting.offset {
            Some(offset) => offset,
            // A pause holds marker and stamp back, and with it what follows.
            None if redis.server.is_paused() => return self.look_again(node, redis_run, waiting),
            None => {
                let Some(offset) = self.mark(node, waiting) else {
                    return;
                };
                self.stranger_acknowledges(node, redis_run, offset);
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
        if redis.server.is_primary() && count < waiting.replicas && now < waiting.until {
            return self.wait(node, redis_run, waiting, waited);
        }
        self.say(node, waiting, Answer::Count(count as u64));
    }

    /// The marker is published, or the stamp written; returns the offset behind it. The replicas are asked how far they are.
    fn mark(&mut self, node: usize, waiting: Waiting) -> Option<u64> {
        let now = self.now;
        let command = waiting.stamp.map_or(Command::Publish, Command::Stamp);
        let (outcome, offset) = self.with_redis(node, |server| {
            (server.command(now, command), server.offset())
        })?;
        let refused = waiting.stamp.is_some() && outcome.is_err();
        let answer = if refused {
            Answer::Refused
        } else {
            Answer::Count(0)
        };
        self.say(node, waiting, answer);
        if waiting.stamp.is_some() {
            let role = self.role(node);
            self.say(node, waiting, role);
        }
        self.with_redis(node, |server| server.command(now, Command::GetAck))?
            .ok();
        Some(offset)
    }

    /// An acknowledgement has reached the node that its sender follows: the gate reads it before redis-server does.
    pub(in crate::world) fn gate_overhears(
        &mut self,
        node: usize,
        link: u64,
        from: Place,
        offset: u64,
    ) {
        let (Some(redis), Place::Node(from)) = (&self.nodes[node].redis, from) else {
            return;
        };
        let sees = Event::GateSees {
            node,
            run: self.nodes[node].run,
            redis_run: redis.run,
            link: Some(link),
            address: self.nodes[from].address.clone(),
            offset,
        };
        self.queue.push(self.now, sees);
    }

    /// Somebody who is no member has all that there is, and says so.
    fn stranger_acknowledges(&mut self, node: usize, redis_run: u64, offset: u64) {
        if !self.stranger {
            return;
        }
        let sees = Event::GateSees {
            node,
            run: self.nodes[node].run,
            redis_run,
            link: None,
            address: Address::new("10.9.9.9", 6379),
            offset,
        };
        self.queue.push(self.now, sees);
    }

    /// What the gate has read counts if it could still be handed on: to that process, on a connection that it kept.
    pub(in crate::world) fn on_gate_sees(
        &mut self,
        node: usize,
        redis_run: u64,
        link: Option<u64>,
        address: &Address,
        offset: u64,
    ) {
        let now = self.now;
        let host = &mut self.nodes[node];
        let (Some(gate), Some(redis)) = (&mut host.gate, &host.redis) else {
            return;
        };
        let stands = link.is_none_or(|link| redis.links.contains_key(&link));
        if redis.run == redis_run && stands {
            gate.core.acknowledged(now, address, offset);
            self.pump(node);
        }
    }

    /// From here on acknowledgements wake it, and at the latest the end of its time, which is told once.
    fn wait(&mut self, node: usize, redis_run: u64, waiting: Waiting, told: bool) {
        if let Some(redis) = &mut self.nodes[node].redis {
            redis.waits.push(waiting);
        }
        if !told {
            let ends = Event::Barrier {
                node,
                redis_run,
                waiting,
                first: false,
            };
            self.queue.push(waiting.until, ends);
        }
    }

    fn take_wait(&mut self, node: usize, waiting: Waiting) -> bool {
        let Some(redis) = &mut self.nodes[node].redis else {
            return false;
        };
        let known = redis.waits.iter().position(|one| *one == waiting);
        known.map(|at| redis.waits.remove(at)).is_some()
    }

    /// redis-server has heard an acknowledgement: those that wait for one look again.
    pub(in crate::world) fn wake_barriers(&mut self, node: usize) {
        let Some(redis) = &self.nodes[node].redis else {
            return;
        };
        let run = redis.run;
        for waiting in redis.waits.clone() {
            self.on_barrier(node, run, waiting, false);
        }
    }

    fn look_again(&mut self, node: usize, redis_run: u64, waiting: Waiting) {
        let again = Event::Barrier {
            node,
            redis_run,
            waiting,
            first: false,
        };
        self.queue.push(self.now + LOOK_US, again);
    }

    fn role(&self, node: usize) -> Answer {
        let Some(redis) = &self.nodes[node].redis else {
            return Answer::Refused;
        };
        if redis.server.is_loading() {
            return Answer::Refused;
        }
        if !redis.server.is_primary() {
            return Answer::NotMaster;
        }
        Answer::Master(redis.server.offset())
    }

    fn say(&mut self, node: usize, waiting: Waiting, answer: Answer) {
        let at = self.local_answer(node);
        let run = self.nodes[node].run;
        let says = Event::BarrierSays {
            node,
            run,
            life: waiting.life,
            link: waiting.link,
            answer,
        };
        self.queue.push(at, says);
    }

    pub(in crate::world) fn on_barrier_says(
        &mut self,
        node: usize,
        life: u64,
        link: usize,
        answer: Answer,
    ) {
        let now = self.now;
        let Some(gate) = self.nodes[node].gate.as_mut().filter(|g| g.life == life) else {
            return;
        };
        gate.core.answer(now, link, answer);
        self.pump(node);
    }
}
