//! The loop.

use super::NodeHost;
use super::World;
use super::channel::Payload;
use super::event::{Event, Target};
use super::network::Place;
use crate::config::Config;
use crate::invariants::{i02_one_writer, i11_writes_resume, i15_never_silent};
use crate::model::Micros;
use crate::report::RunReport;
use holdfast_core::agent::Agent;
use holdfast_core::sentinel::{Request, SentinelInput};

/// Most events of a run; more means that something spins.
const EVENTS_MAX: u64 = 20_000_000;

/// The group must be well for so long before a run ends.
const WELL_US: Micros = 1_000_000;

/// Nodes that wait for an upgrade get it after so long.
const UPGRADE_US: Micros = 8_000_000;

/// A group that waits for a person's word gets it after so long.
const WORD_US: Micros = 15_000_000;

impl World {
    /// Runs `seed` to its end.
    pub fn run(seed: u64, config: &Config) -> RunReport {
        let mut world = Self::new(seed, config);
        while !world.ended && world.violations.is_empty() && world.events < EVENTS_MAX {
            let Some((at, born, event)) = world.queue.pop() else {
                break;
            };
            world.now = at.max(world.now);
            world.events += 1;
            world.finish_stores();
            world.process(born, event);
            world.violations.extend(i02_one_writer::check(&world));
        }
        world.into_report(seed)
    }

    fn into_report(self, seed: u64) -> RunReport {
        RunReport {
            seed,
            trace_hash: self.trace.hash(),
            events: self.events,
            simulated_us: self.now,
            violations: self.violations,
            counters: self.counters.into_map(),
            trace: self.trace.into_lines(),
        }
    }

    /// Carries an event out, or puts it off while its process stands still.
    fn process(&mut self, born: u64, event: Event) {
        let target = self.target_of(&event);
        let thaws = self.frozen_until(target).max(self.silent_until(&event));
        if thaws > self.now {
            self.queue.put_off(thaws, born, event);
            return;
        }
        if self.is_stale(&event) {
            return;
        }
        let mark = [self.now, target_number(target), self.queue.len() as u64];
        self.trace.mark(&mark);
        self.dispatch(event);
    }

    fn frozen_until(&self, target: Target) -> Micros {
        match target {
            Target::World => 0,
            Target::Agent(node) => self.nodes[node].agent_frozen_until,
            Target::Watchdog(node) => self.nodes[node].watchdog_frozen_until,
            Target::Redis(node) => self.nodes[node]
                .redis
                .as_ref()
                .map_or(0, |redis| redis.frozen_until),
            Target::Sentinel(sentinel) => self.sentinels[sentinel].frozen_until,
        }
    }

    /// Until when a client's pause keeps this from being read: it came on an ordinary connection.
    fn silent_until(&self, event: &Event) -> Micros {
        let node = match event {
            Event::Commands { node, .. }
            | Event::WatchdogFence { node, .. }
            | Event::GateAsks { node, .. }
            | Event::Barrier { node, .. } => *node,
            Event::Arrive {
                payload: Payload::Write(_),
                ..
            } => match self.target_of(event) {
                Target::Redis(node) => node,
                _ => return 0,
            },
            _ => return 0,
        };
        let redis = self.nodes[node].redis.as_ref();
        redis.map_or(0, |redis| redis.silent_until)
    }

    /// Whether an event is for a process that is no more.
    fn is_stale(&self, event: &Event) -> bool {
        match event {
            Event::AgentTick { node, run }
            | Event::AgentInput { node, run, .. }
            | Event::Look { node, run }
            | Event::Answered { node, run, .. }
            | Event::OperationTimeout { node, run, .. }
            | Event::GateHears { node, run, .. }
            | Event::BarrierSays { node, run, .. }
            | Event::GateSees { node, run, .. }
            | Event::GateWake { node, run }
            | Event::RedisUp { node, run }
            | Event::WatchdogKill { node, run, .. }
            | Event::Watchdog { node, run } => {
                self.nodes[*node].run != *run || self.nodes[*node].agent.is_none()
            }
            Event::SentinelTick { sentinel, run }
            | Event::Persisted { sentinel, run }
            | Event::Echo { sentinel, run, .. } => {
                self.sentinels[*sentinel].run != *run || self.sentinels[*sentinel].core.is_none()
            }
            _ => false,
        }
    }

    fn dispatch(&mut self, event: Event) {
        match event {
            Event::AgentTick { node, .. } => self.on_agent_tick(node),
            Event::AgentInput { node, input, .. } => self.agent_step(node, *input),
            Event::Look { node, .. } => self.look(node),
            Event::Commands {
                node,
                redis_run,
                agent_run,
                why,
                commands,
            } => {
                self.on_commands(node, redis_run, agent_run, why, &commands);
            }
            Event::WatchdogFence { node, redis_run } => self.on_watchdog_fence(node, redis_run),
            Event::WatchdogKill {
                node, redis_run, ..
            } => self.on_watchdog_kill(node, redis_run),
            Event::Answered {
                node, why, answer, ..
            } => self.on_answered(node, why, *answer),
            Event::OperationTimeout { node, number, .. } => self.on_operation_timeout(node, number),
            Event::RedisUp { node, .. } => self.on_redis_up(node),
            Event::RedisTick { node, redis_run } => self.on_redis_tick(node, redis_run),
            Event::RedisBuried { node, redis_run } => self.on_redis_buried(node, redis_run),
            Event::Watchdog { node, .. } => self.on_watchdog(node),
            Event::SentinelTick { sentinel, .. } => self.on_sentinel_tick(sentinel),
            Event::Persisted { sentinel, .. } => self.on_persisted(sentinel),
            Event::Echo {
                sentinel, message, ..
            } => self.on_echo(sentinel, *message),
            Event::Dial {
                from,
                run,
                to,
                purpose,
            } => self.on_dial(from, run, to, purpose),
            Event::DialAddress {
                node,
                redis_run,
                link,
                to,
            } => self.on_dial_address(node, redis_run, link, &to),
            Event::Arrive {
                channel,
                side,
                payload,
            } => self.on_arrive(channel, side, payload),
            Event::Flush { channel, side } => self.on_flush(channel, side),
            Event::Abort { channel, side } => self.on_abort(channel, side),
            Event::KeepAlive => self.on_keep_alive(),
            Event::GateAsks {
                node,
                redis_run,
                client,
                request,
            } => self.on_gate_asks(node, redis_run, client, request),
            Event::GateHears {
                node,
                client,
                reply,
                ..
            } => self.on_gate_hears(node, client, reply),
            Event::Barrier {
                node,
                redis_run,
                waiting,
                first,
            } => self.on_barrier(node, redis_run, waiting, first),
            Event::BarrierSays {
                node,
                life,
                link,
                said,
                ..
            } => self.on_barrier_says(node, life, link, said),
            Event::GateSees {
                node,
                redis_run,
                voice,
                offset,
                ..
            } => self.on_gate_sees(node, redis_run, voice, offset),
            Event::GateWake { node, .. } => self.pump(node),
            Event::Client { client, number } => self.on_client(client, number),
            Event::Patience(client) => self.on_patience(client),
            Event::Boot(place) => self.on_boot(place),
            Event::Fault(fault) => self.on_fault(fault),
            Event::Undo(undo) => self.on_undo(&undo),
            Event::Quiet => self.on_quiet(),
            Event::Inspect => self.on_inspect(),
            Event::End => self.on_end(),
        }
    }

    /// After the faults: is all well again? If it is for a while, the run comes to its end.
    fn on_inspect(&mut self) {
        let trouble = i11_writes_resume::trouble(self);
        match &trouble {
            Some(_) => self.well_since = None,
            None => drop(self.well_since.get_or_insert(self.now)),
        }
        self.notice_silence(trouble.as_deref());
        if self
            .well_since
            .is_some_and(|since| self.now >= since + WELL_US)
        {
            self.clients
                .iter_mut()
                .for_each(|client| client.stopped = true);
            self.queue.push(self.now + 2_500_000, Event::End);
            return;
        }
        let limit = self.quiet_since + self.config.quiet_seconds * 1_000_000;
        if let Some(trouble) = trouble.as_ref().filter(|_| self.now > limit) {
            self.violations.push(i11_writes_resume::late(self, trouble));
            return;
        }
        if self.now > self.quiet_since + UPGRADE_US {
            self.upgrade_stuck();
        }
        if self.now > self.quiet_since + WORD_US {
            self.put_files_right();
            self.end_unwell();
            self.give_up_withheld();
            self.adopt_own();
            self.give_word();
        }
        self.queue.push(self.now + 250_000, Event::Inspect);
    }

    /// I15: how long has the group not served without a word?
    fn notice_silence(&mut self, trouble: Option<&str>) {
        let silent = trouble.filter(|_| i15_never_silent::is_silent(self));
        let Some(trouble) = silent else {
            self.silent_since = None;
            return;
        };
        let since = *self.silent_since.get_or_insert(self.now);
        self.violations
            .extend(i15_never_silent::check(self, since, trouble));
    }

    fn on_end(&mut self) {
        self.violations
            .extend(i11_writes_resume::check_converged(self));
        let writer = (0..self.nodes.len()).find(|node| self.accepts(*node));
        if let Some((node, data)) = writer.and_then(|node| Some((node, self.data_of(node)?))) {
            self.check_whole(node, &data);
        }
        self.ended = true;
    }

    /// The person in charge puts the files right on which an agent would not start redis-server.
    fn put_files_right(&mut self) {
        for host in &mut self.nodes {
            if std::mem::take(&mut host.refused) {
                host.files.put_right();
            }
        }
    }

    /// The person in charge ends processes that live and do not serve, whose data are in their memory alone: the status says
    /// that it takes one.
    fn end_unwell(&mut self) {
        let now = self.now;
        let unwell = |host: &NodeHost| {
            let redis = host.redis.as_ref();
            redis.is_some_and(|r| r.server.busy_since().is_some() || r.is_silent(now))
        };
        let nodes: Vec<usize> = (0..self.nodes.len())
            .filter(|node| unwell(&self.nodes[*node]) && !self.holds_in_files(*node))
            .collect();
        for node in nodes {
            self.forced = true;
            self.counters.hit("person ended a process");
            self.kill_redis(node, "ended by a person");
        }
    }

    fn holds_in_files(&self, node: usize) -> bool {
        let redis = self.nodes[node].redis.as_ref();
        redis.is_some_and(|redis| redis.server.info().logged)
    }

    /// The person in charge gives up the keys that a node keeps from an empty reign: its data folder is emptied.
    fn give_up_withheld(&mut self) {
        let withheld = |host: &NodeHost| host.agent.as_ref().is_some_and(Agent::is_withheld);
        let nodes: Vec<usize> = (0..self.nodes.len())
            .filter(|node| withheld(&self.nodes[*node]))
            .collect();
        for node in nodes {
            self.empty_folder(node);
        }
    }

    /// The person in charge says that data are the group's on a node whose agent has lost the memory of having been a member.
    fn adopt_own(&mut self) {
        let quarantined = |host: &NodeHost| host.redis.as_ref().is_some_and(|r| r.found.foreign);
        let own: Vec<usize> = (0..self.nodes.len())
            .filter(|node| !self.is_foreign(*node) && quarantined(&self.nodes[*node]))
            .collect();
        for node in own {
            self.forced = true;
            self.counters.hit("person adopted data");
            self.nodes[node].adopts = true;
            self.kill_pod(node, "a person starts it with --adopt");
            self.boot_later(Place::Node(node), 300_000);
        }
    }

    /// The person in charge says which data to go on with: the longest that is there.
    fn give_word(&mut self) {
        let best = (0..self.nodes.len())
            .filter(|node| !self.is_foreign(*node))
            .max_by_key(|node| {
                (
                    self.data_of(*node).map_or(0, |data| data.len()),
                    std::cmp::Reverse(*node),
                )
            });
        let Some(node) = best.map(|node| self.nodes[node].name.clone()) else {
            return;
        };
        self.forced = true;
        self.counters.hit("person asked");
        for sentinel in 0..self.sentinels.len() {
            self.requests += 1;
            let (id, group) = (self.requests, super::sentinel::group());
            let request = Request::Force(node.clone());
            self.sentinel_step(sentinel, SentinelInput::Ask { id, group, request });
        }
    }
}

fn target_number(target: Target) -> u64 {
    match target {
        Target::World => 0,
        Target::Agent(n) => 100 + n as u64,
        Target::Redis(n) => 200 + n as u64,
        Target::Watchdog(n) => 300 + n as u64,
        Target::Sentinel(n) => 400 + n as u64,
    }
}
