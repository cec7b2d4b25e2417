//! The shell round the gate: clients on one side, redis-server and the barrier's links on the other.
//!
//! ```text
//!  client ── request ──▶ gate ── GateAsks ──▶ redis-server ── GateHears ──▶ held ──(core)──▶ client
//!                          └───── Barrier ──▶ ROLE · PUBLISH · WAIT ── BarrierSays ──▶ core
//!  replica ──── acknowledgement ──▶ gate ──▶ redis-server           └──── GateSees ────▶ core
//! ```
//!
//! It is part of the agent: what is for it waits while the agent stands still, and it ends with it.

mod barrier;
mod members;
mod requests;
mod strangers;

pub(super) use barrier::Said;
pub use barrier::Waiting;
pub(super) use strangers::Voice;

use super::World;
use super::channel::{ChannelId, Found, Payload};
use super::event::Event;
use super::network::Place;
use crate::invariants::i01_nothing_lost;
use crate::model::Micros;
use holdfast_core::agent::AgentInput;
use holdfast_core::gate::{Connection, Gate as Core, GateOrder, LINKS_MAX, News};
use holdfast_core::mutant::Mutant;
use holdfast_core::record::OnLossOfQuorum;
use members::Line;
use std::collections::{BTreeMap, VecDeque};

/// The gate of one agent.
#[derive(Debug)]
pub struct Gate {
    core: Core,
    order: GateOrder,
    /// Until when it may pass replies on, in the pod's milliseconds. Nobody has to tell it that this is over.
    lease: Option<u64>,
    /// Grows with every shutting: answers for an older one mean nothing.
    life: u64,
    clients: BTreeMap<ChannelId, Session>,
    /// Replication links through it, and the newest connection of somebody who is no member.
    lines: BTreeMap<u64, Line>,
    strangers: Option<Line>,
    /// When the core is asked again.
    wake_at: Option<Micros>,
    /// Answers on the links may not overtake each other.
    free_at: Micros,
}

/// One client's connection.
#[derive(Debug, Default)]
struct Session {
    slot: usize,
    connection: Option<Connection>,
    /// Replies since the connection was opened in the core, the oldest first, and how many were passed on.
    held: VecDeque<Payload>,
    passed: u64,
    /// What waits for the end of a handoff.
    asked: VecDeque<Payload>,
}

impl Gate {
    /// Shut, as it begins.
    pub fn new(mutant: Mutant) -> Self {
        Self {
            core: Core::new(mutant),
            order: GateOrder::Shut,
            lease: None,
            life: 0,
            clients: BTreeMap::new(),
            lines: BTreeMap::new(),
            strangers: None,
            wake_at: None,
            free_at: 0,
        }
    }

    /// What it was ordered to do.
    pub fn order(&self) -> &GateOrder {
        &self.order
    }

    /// Whom it serves.
    pub fn clients(&self) -> Vec<ChannelId> {
        self.clients.keys().copied().collect()
    }

    fn enter(&mut self, hold: holdfast_core::gate::Hold) {
        let fresh = !self.core.is_holding();
        self.core.hold(hold);
        if !fresh {
            return;
        }
        self.life += 1;
        (0..LINKS_MAX).for_each(|link| self.core.link_ready(link));
        for session in self.clients.values_mut() {
            session.connection = Some(self.core.open(session.slot));
            session.passed = 0;
        }
    }

    fn leave(&mut self) {
        self.core.shut();
        self.life += 1;
        for session in self.clients.values_mut() {
            session.connection = None;
        }
    }

    /// Its server has ended, and whoever followed that.
    pub(super) fn lose_server(&mut self) {
        let lines = std::mem::take(&mut self.lines).into_values();
        for line in lines.chain(self.strangers.take()) {
            line.end(&mut self.core);
        }
    }

    fn open_session(&mut self, id: ChannelId) {
        let taken: Vec<usize> = self.clients.values().map(|session| session.slot).collect();
        let slot = (0..=taken.len()).find(|slot| !taken.contains(slot));
        let slot = slot.unwrap_or(taken.len());
        let connection = self.core.is_holding().then(|| self.core.open(slot));
        let session = Session {
            slot,
            connection,
            ..Session::default()
        };
        self.clients.insert(id, session);
    }

    fn close_session(&mut self, id: ChannelId) {
        let connection = self.clients.remove(&id).and_then(|s| s.connection);
        if let Some(connection) = connection {
            self.core.close(connection);
        }
    }

    /// What the core lets go, in order.
    fn take_released(&mut self) -> Vec<(ChannelId, Payload)> {
        let mut out = Vec::new();
        for (connection, up_to) in self.core.released() {
            let session = self
                .clients
                .iter_mut()
                .find(|(_, session)| session.connection == Some(connection));
            let Some((id, session)) = session else {
                continue;
            };
            while session.passed < up_to {
                let Some(payload) = session.held.pop_front() else {
                    break;
                };
                session.passed += 1;
                out.push((*id, payload));
            }
        }
        out
    }
}

impl World {
    /// Whether clients go through gates in this run.
    pub fn has_gates(&self) -> bool {
        self.gates
    }

    /// Whether fewer replicas are fit than an acknowledgement needs, for good: a stranger's data is never followed.
    pub fn must_hold(&self) -> bool {
        let fit = self.nodes.iter().filter(|host| !host.foreign).count();
        let holds = self.terms.on_loss_of_quorum == OnLossOfQuorum::Hold;
        holds && fit <= self.terms.k()
    }

    /// The reply is about to leave the gate because enough members have what is behind it.
    fn note_released(&mut self, payload: &Payload) {
        self.counters.hit("reply released");
        if let Payload::Answer(value, Ok(())) = payload {
            self.violations
                .extend(i01_nothing_lost::check_release(self, *value));
            self.ledger.release(*value);
        }
        if let Payload::Data(
            _,
            Found {
                last: Some(seen), ..
            },
        ) = payload
        {
            self.ledger.see(*seen);
        }
    }

    /// The agent orders its gate.
    pub(super) fn order_gate(&mut self, node: usize, order: GateOrder) {
        let now = self.now;
        self.trace
            .line(now, || format!("node {node}: gate {order:?}"));
        let Some(gate) = &mut self.nodes[node].gate else {
            return;
        };
        gate.order = order.clone();
        match order {
            GateOrder::Hold(hold) => gate.enter(hold),
            GateOrder::Pause => {}
            GateOrder::Pass => {
                gate.leave();
                self.pass_all(node);
            }
            // Sessions are not simulated: whoever is to be carried over comes again.
            GateOrder::Shut | GateOrder::Stale | GateOrder::Carry(_) => {
                gate.leave();
                self.close_gate(node);
            }
        }
        self.forward_waiting(node);
        self.pump(node);
    }

    /// The agent's lease is renewed, or over.
    pub(super) fn renew_gate(&mut self, node: usize, until: Option<u64>) {
        if let Some(gate) = &mut self.nodes[node].gate {
            gate.lease = until;
        }
    }

    /// Whether the time is over in which this gate may pass replies on; it looks at the clock itself.
    fn is_over(&self, node: usize) -> bool {
        let host = &self.nodes[node];
        let until = host.gate.as_ref().and_then(|gate| gate.lease);
        let looks = self.config.mutant != Mutant::AgentIgnoresLease;
        looks && until.is_none_or(|until| host.clock.at(self.now) >= until)
    }

    /// Without a rule, what was held goes out at once.
    fn pass_all(&mut self, node: usize) {
        let Some(gate) = &mut self.nodes[node].gate else {
            return;
        };
        let held: Vec<(ChannelId, Payload)> = gate
            .clients
            .iter_mut()
            .flat_map(|(id, s)| s.held.drain(..).map(|payload| (*id, payload)))
            .collect();
        for (id, payload) in held {
            self.send(id, Place::Node(node), payload);
        }
    }

    /// Every client is sent away, and what was held for it is dropped.
    pub(super) fn close_gate(&mut self, node: usize) {
        let Some(gate) = &mut self.nodes[node].gate else {
            return;
        };
        for id in gate.clients() {
            if let Some(gate) = &mut self.nodes[node].gate {
                gate.close_session(id);
            }
            self.close(id, Place::Node(node));
        }
    }

    /// Something reaches a gate from a client.
    pub(super) fn gate_receives(&mut self, node: usize, id: ChannelId, payload: Payload) {
        let Some(gate) = &mut self.nodes[node].gate else {
            return;
        };
        match payload {
            Payload::Opened
                if matches!(
                    gate.order,
                    GateOrder::Shut | GateOrder::Stale | GateOrder::Carry(_)
                ) =>
            {
                self.close(id, Place::Node(node));
            }
            Payload::Opened => gate.open_session(id),
            Payload::Closed | Payload::Lost => gate.close_session(id),
            request => {
                if let Some(session) = gate.clients.get_mut(&id) {
                    session.asked.push_back(request);
                    self.forward_waiting(node);
                }
            }
        }
    }

    /// Lets the core do what is due.
    pub(super) fn pump(&mut self, node: usize) {
        let now = self.now;
        while let Some(gate) = &mut self.nodes[node].gate {
            let issue = gate.core.next(now);
            let released = gate.take_released();
            let news: Vec<News> = gate.core.news().collect();
            let again = issue.is_some();
            if let Some(issue) = issue {
                self.send_barrier(node, issue);
            }
            for (id, payload) in released {
                self.note_released(&payload);
                self.send(id, Place::Node(node), payload);
            }
            for news in news {
                self.hear_news(node, news);
            }
            if !again {
                break;
            }
        }
        self.wake_later(node);
    }

    fn wake_later(&mut self, node: usize) {
        let now = self.now;
        let host = &mut self.nodes[node];
        let Some(gate) = &mut host.gate else { return };
        let Some(at) = gate.core.wake_at().map(|at| at.max(now + 10)) else {
            return;
        };
        if gate.wake_at.is_none_or(|known| known <= now || at < known) {
            gate.wake_at = Some(at);
            let run = host.run;
            self.queue.push(at, Event::GateWake { node, run });
        }
    }

    fn hear_news(&mut self, node: usize, news: News) {
        let input = match news {
            News::Confirmed(version) => AgentInput::Confirmed { version },
            News::Lagging(nodes) => {
                if !nodes.is_empty() {
                    self.counters.hit("member lagged");
                }
                AgentInput::Lagging(nodes)
            }
            News::Drained => AgentInput::Drained,
            News::Deposed(epoch) => {
                self.close_gate(node);
                AgentInput::Deposed(epoch)
            }
        };
        let (run, input) = (self.nodes[node].run, Box::new(input));
        self.queue
            .push(self.now, Event::AgentInput { node, run, input });
    }
}
