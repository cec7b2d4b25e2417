//! The shell round an agent: starts it, carries out what it says, dies with it.

use super::World;
use super::channel::{ChannelId, Payload, Purpose};
use super::event::Event;
use super::gate::Gate;
use super::host::Looks;
use super::network::Place;
use crate::invariants::i17_no_false_alarm;
use holdfast_core::agent::{
    Agent, AgentInput, AgentOutput, Decision, KillReason, Settings, Stored,
};
use holdfast_core::mutant::Mutant;
use holdfast_core::wire::Report;
use std::sync::Arc;

/// Pace of the agent's clock tick, as its shell has it.
const TICK_US: u64 = 20_000;

/// Scripts are ended after so long: less than by default, so that runs stay short.
const SCRIPT_LIMIT_MS: u64 = 2_000;

/// Pauses of clients are waited out for so long: less than in earnest, so that runs stay short.
const PAUSE_LIMIT_MS: u64 = 3_000;

/// What a server may take to answer the watchdog's order.
const WATCHDOG_PATIENCE_US: u64 = 50_000;

/// What a decision is counted as.
fn counted(decision: &Decision) -> Option<&'static str> {
    Some(match decision {
        Decision::LeaseLost(_) => "lease ran out",
        Decision::Quarantined => "quarantine",
        Decision::Withheld(_) => "keys withheld",
        Decision::ServerKilled(KillReason::Revoked(_)) => "killed a frozen old primary",
        Decision::ServerKilled(KillReason::NotFenced) => "killed one that could not be fenced",
        Decision::ServerKilled(KillReason::NotOpened | KillReason::NotOpenedInTime) => {
            "killed one that could not be opened"
        }
        Decision::ServerKilled(KillReason::NotSealed) => "killed one that could not be sealed",
        Decision::ServerKilled(KillReason::RoleChanged) => "noticed a changed role",
        _ => return None,
    })
}

impl World {
    /// A pod starts: agent first, which starts redis-server.
    pub(super) fn boot_pod(&mut self, node: usize) {
        let now = self.now;
        let (mutant, gates) = (self.config.mutant, self.has_gates());
        let host = &mut self.nodes[node];
        if host.agent.is_some() || host.boot_at.is_none_or(|at| at > now) {
            return;
        }
        host.boot_at = None;
        host.run += 1;
        host.deadline = None;
        host.guarding = None;
        host.running = None;
        let mut stored = host.disk.read().unwrap_or_default();
        if mutant == Mutant::ForgetPromise {
            stored.promised = 0;
        }
        let settings = Settings {
            node: host.name.clone(),
            address: host.address.clone(),
            priority: 100,
            on_disk: self.on_disk,
            restart: true,
            script_limit: SCRIPT_LIMIT_MS,
            pause_limit: PAUSE_LIMIT_MS,
            gated: false,
            mutant,
            server: host.program.clone(),
        };
        host.agent = Some(Agent::new(settings, stored));
        host.gate = gates.then(|| Gate::new(mutant));
        host.gate_free = now;
        let run = host.run;
        self.queue.push(now, Event::AgentTick { node, run });
        self.queue.push(now + 1_000, Event::Look { node, run });
        for sentinel in 0..self.sentinels.len() {
            let (from, to) = (Place::Node(node), Place::Sentinel(sentinel));
            self.dial(from, run, to, Purpose::Agent);
        }
        self.trace.line(now, || format!("node {node}: pod starts"));
    }

    /// The whole pod ends at once.
    pub(super) fn kill_pod(&mut self, node: usize, why: &str) {
        self.kill_redis(node, why);
        self.monitors.forget_witness(node);
        let host = &mut self.nodes[node];
        let ids = host.gate.take().map(|gate| gate.clients());
        host.agent = None;
        host.running = None;
        host.agent_frozen_until = 0;
        host.watchdog_frozen_until = 0;
        let control = std::mem::take(&mut host.channels).into_values();
        for channel in control.chain(ids.into_iter().flatten()) {
            self.close(channel, Place::Node(node));
        }
        self.trace
            .line(self.now, || format!("node {node}: pod ends: {why}"));
    }

    pub(super) fn on_agent_tick(&mut self, node: usize) {
        let run = self.nodes[node].run;
        self.tick_again(Event::AgentTick { node, run }, TICK_US, 3_000);
        self.agent_step(node, AgentInput::Tick);
    }

    /// One step of an agent.
    pub(super) fn agent_step(&mut self, node: usize, input: AgentInput) {
        let host = &mut self.nodes[node];
        let Some(agent) = host.agent.as_mut() else {
            return;
        };
        let outputs = agent.step(host.clock.at(self.now), input);
        for output in self.bounded("an agent's step", outputs) {
            self.perform_agent(node, output);
        }
    }

    fn perform_agent(&mut self, node: usize, output: AgentOutput) {
        match output {
            AgentOutput::Broadcast(report) => self.broadcast(node, *report),
            AgentOutput::Store { stored, durable } => self.store(node, stored, durable),
            AgentOutput::SetAside(_) => {
                let host = &mut self.nodes[node];
                let running = host.redis.as_ref().map(|redis| redis.server.files());
                host.aside = Some(running.unwrap_or(&host.files).clone());
                self.counters.hit("data set aside");
                let place = Ok("set-aside".to_owned());
                self.agent_step(node, AgentInput::SetAside(place));
            }
            AgentOutput::Do(operation) => {
                self.before_operation(node, &operation);
                self.trace
                    .line(self.now, || format!("node {node}: does {operation:?}"));
                self.begin_operation(node, operation);
            }
            AgentOutput::Deadline(deadline) => {
                self.set_deadline(node, deadline);
                self.renew_gate(node, deadline);
            }
            AgentOutput::Decide(decision) => {
                if matches!(decision, Decision::DataEmptied(_)) {
                    let alarm = i17_no_false_alarm::check_emptied(self, node);
                    self.violations.extend(alarm);
                }
                if let Some(name) = counted(&decision) {
                    self.counters.hit(name);
                }
                let decided = decision.said(&self.nodes[node].name);
                self.note_decision(&format!("node {node}"), &decided);
            }
            AgentOutput::Gate(order) => self.order_gate(node, order),
            AgentOutput::Exit => {
                self.kill_pod(node, "ended as asked");
                let after = self.rng.between(100_000, 2_000_000);
                self.boot_later(Place::Node(node), after);
            }
        }
    }

    fn broadcast(&mut self, node: usize, report: Report) {
        let channels: Vec<ChannelId> = self.nodes[node].channels.values().copied().collect();
        let report = Arc::new(report);
        for channel in channels {
            let payload = Payload::Up(Arc::clone(&report));
            self.send(channel, Place::Node(node), payload);
        }
    }

    fn store(&mut self, node: usize, stored: Stored, durable: bool) {
        let now = self.now;
        let host = &mut self.nodes[node];
        if let Some((note, position)) = stored
            .latest
            .as_deref()
            .and_then(|n| Some((n, n.position?)))
        {
            self.monitors.noted.note(now, position, note.keys);
        }
        if !durable {
            if now >= host.disk_full_until {
                host.disk.write(stored);
            }
            return;
        }
        let at = now.max(host.disk_full_until) + host.rng.between(200, host.fsync_us);
        let (run, promised) = (host.run, stored.promised);
        if now >= host.disk_full_until {
            host.disk.write(stored.clone());
        }
        self.storing.push((at, node, run, stored));
        self.queue.push(
            at,
            Event::AgentInput {
                node,
                run,
                input: Box::new(AgentInput::Stored(promised)),
            },
        );
    }

    /// What an agent asked to be written is safe now.
    pub(super) fn finish_stores(&mut self) {
        let now = self.now;
        for (_, node, run, stored) in self.storing.extract_if(.., |(at, ..)| *at <= now) {
            let host = &mut self.nodes[node];
            if host.run == run && host.agent.is_some() {
                let promised = self.monitors.promised.entry(node).or_default();
                *promised = stored.promised.max(*promised);
                host.disk.sync(stored);
            }
        }
    }

    fn set_deadline(&mut self, node: usize, deadline: Option<u64>) {
        let host = &mut self.nodes[node];
        host.deadline = deadline;
        if let Some(local) = deadline {
            let at = host.clock.when(local).max(self.now);
            let run = host.run;
            self.queue.push(at, Event::Watchdog { node, run });
        }
    }

    /// The dead man's switch: a process of its own that closes redis-server when the agent does not renew
    /// its deadline.
    pub(super) fn on_watchdog(&mut self, node: usize) {
        let host = &self.nodes[node];
        let missed = host
            .deadline
            .is_some_and(|local| host.clock.at(self.now) >= local);
        let Some(redis_run) = host
            .redis
            .as_ref()
            .map(|redis| redis.run)
            .filter(|_| missed)
        else {
            return;
        };
        let run = host.run;
        self.nodes[node].deadline = None;
        self.nodes[node].guarding = Some(redis_run);
        self.counters.hit("watchdog fenced");
        self.trace.line(self.now, || {
            format!("node {node}: the watchdog closes redis-server")
        });
        let after = self.rng.between(20, 300);
        self.queue
            .push(self.now + after, Event::WatchdogFence { node, redis_run });
        self.queue.push(
            self.now + WATCHDOG_PATIENCE_US,
            Event::WatchdogKill {
                node,
                run,
                redis_run,
            },
        );
    }

    /// Its order was not answered.
    pub(super) fn on_watchdog_kill(&mut self, node: usize, redis_run: u64) {
        let runs = self.nodes[node]
            .redis
            .as_ref()
            .is_some_and(|redis| redis.run == redis_run);
        if runs && self.nodes[node].guarding.take() == Some(redis_run) {
            self.counters.hit("watchdog killed");
            self.kill_redis(
                node,
                "killed by the watchdog: it did not answer the order to refuse writes",
            );
        }
    }

    /// redis-server answers for the first time.
    pub(super) fn on_redis_up(&mut self, node: usize) {
        let Some(redis) = self.nodes[node].redis.as_mut() else {
            return;
        };
        if redis.up {
            return;
        }
        redis.up = true;
        let data = redis.found.clone();
        let (now, info) = (self.now, super::operation::server_info(redis));
        self.trace.line(now, || {
            format!("node {node}: finds {data:?} on disk, {} keys", info.keys)
        });
        self.nodes[node].looks = Looks::default();
        self.agent_step(node, AgentInput::Started(info, data));
    }

    /// Something reaches an agent from a sentinel.
    pub(super) fn agent_receives(
        &mut self,
        node: usize,
        id: ChannelId,
        there: Place,
        payload: Payload,
    ) {
        let Place::Sentinel(sentinel) = there else {
            return;
        };
        let name = self.sentinels[sentinel].name.clone();
        match payload {
            Payload::Opened => {
                self.nodes[node].channels.insert(sentinel, id);
                self.agent_step(node, AgentInput::Linked(name));
            }
            Payload::Closed | Payload::Lost => {
                let known = self.nodes[node].channels.get(&sentinel).copied();
                if known.is_some_and(|known| known != id) {
                    return;
                }
                if known.is_some() {
                    self.nodes[node].channels.remove(&sentinel);
                    self.agent_step(node, AgentInput::Unlinked(name));
                }
                // Also one that was lost before it stood.
                self.redial(
                    Place::Node(node),
                    self.nodes[node].run,
                    there,
                    Purpose::Agent,
                );
            }
            Payload::Down(message) => self.agent_step(node, AgentInput::Sentinel(name, *message)),
            _ => {}
        }
    }
}
