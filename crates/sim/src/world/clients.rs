//! Clients: each asks a sentinel for the primary, and writes one unique value after the other to it. Through a gate they
//! also read, and send several requests before the first is answered.

use super::World;
use super::channel::{ChannelId, Found, Payload, Purpose};
use super::event::Event;
use super::network::Place;
use super::sentinel::group;
use crate::invariants::{i08_no_read_rolled_back, i09_replies_in_order};
use crate::model::{Micros, Refusal};
use std::collections::VecDeque;

/// A client gives up a connection on which it waits for so long.
const TIMEOUT_US: Micros = 1_000_000;

/// A client whose writes are acknowledged is not silent for so long.
const SILENT_US: Micros = 1_000_000;

/// Most requests that a client sends before the first is answered.
const PIPELINE: u64 = 3;

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The value to be written; for a read, its number.
    pub number: u64,
    /// It is a read.
    pub read: bool,
}

/// One client.
#[derive(Debug, Default)]
pub struct Client {
    channel: Option<ChannelId>,
    /// Grows with everything that happens, so that old timers mean nothing.
    number: u64,
    /// When it gives up what it waits for, and whether it is going to look.
    gives_up_at: Option<Micros>,
    looks: bool,
    waiting: VecDeque<Asked>,
    refused: u32,
    pace_us: Micros,
    /// It only reads.
    reads_only: bool,
    /// It writes no more.
    pub stopped: bool,
    /// When it last had a write acknowledged, or what it does instead.
    pub acknowledged_at: Micros,
}

impl Client {
    /// A client that writes about every `pace_us`.
    pub fn new(pace_us: Micros) -> Self {
        Self {
            pace_us,
            ..Self::default()
        }
    }

    /// To be silent for longer than this means trouble.
    pub fn silent_us(&self) -> Micros {
        SILENT_US.max(2 * self.pace_us)
    }

    /// A client that reads about every `pace_us`, and else is quiet.
    pub fn reader(pace_us: Micros) -> Self {
        Self {
            reads_only: true,
            ..Self::new(pace_us)
        }
    }
}

impl World {
    fn client_later(&mut self, client: usize, after: Micros) {
        let state = &mut self.clients[client];
        (state.number, state.gives_up_at) = (state.number + 1, None);
        let number = state.number;
        self.queue
            .push(self.now + after, Event::Client { client, number });
    }

    /// From here on it waits, if nothing happens before until it gives up. It looks seldom: mostly something happens.
    fn client_waits(&mut self, client: usize) {
        let at = self.now + TIMEOUT_US;
        let state = &mut self.clients[client];
        (state.number, state.gives_up_at) = (state.number + 1, Some(at));
        if !std::mem::replace(&mut state.looks, true) {
            self.queue.push(at, Event::Patience(client));
        }
    }

    pub(super) fn on_patience(&mut self, client: usize) {
        let state = &mut self.clients[client];
        state.looks = false;
        let Some(at) = state.gives_up_at else { return };
        if at <= self.now {
            return self.on_client(client, self.clients[client].number);
        }
        state.looks = true;
        self.queue.push(at, Event::Patience(client));
    }

    /// The client's timer: send the next write, or give up waiting.
    pub(super) fn on_client(&mut self, client: usize, number: u64) {
        if self.clients[client].number != number || self.clients[client].stopped {
            return;
        }
        if !self.clients[client].waiting.is_empty() {
            self.hang_up(client);
        }
        match self.clients[client].channel {
            Some(channel) => self.client_asks(client, channel),
            None => self.client_connect(client),
        }
    }

    fn client_asks(&mut self, client: usize, channel: ChannelId) {
        if self.clients[client].reads_only {
            self.client_read(client, channel);
        } else if self.has_gates() {
            for _ in 0..=self.rng.below(PIPELINE) {
                self.client_ask(client, channel);
            }
        } else {
            self.client_write(client, channel);
        }
        self.client_waits(client);
    }

    fn client_ask(&mut self, client: usize, channel: ChannelId) {
        if self.rng.chance(600) {
            self.client_write(client, channel);
        } else {
            self.client_read(client, channel);
        }
    }

    fn client_read(&mut self, client: usize, channel: ChannelId) {
        let number = self.ledger.next_value();
        let asked = Asked { number, read: true };
        self.clients[client].waiting.push_back(asked);
        let read = Payload::Read(number, self.ledger.released_last());
        self.send(channel, Place::Client(client), read);
    }

    fn client_write(&mut self, client: usize, channel: ChannelId) {
        let number = self.ledger.next_value();
        let asked = Asked {
            number,
            read: false,
        };
        self.clients[client].waiting.push_back(asked);
        self.send(channel, Place::Client(client), Payload::Write(number));
    }

    fn client_connect(&mut self, client: usize) {
        let index = self.rng.below(self.sentinels.len() as u64) as usize;
        let place = Place::Client(client);
        let host = &self.sentinels[index];
        let answers =
            host.frozen_until <= self.now && self.network.connects(place, Place::Sentinel(index));
        let found = host
            .core
            .as_ref()
            .filter(|_| answers)
            .and_then(|core| core.group(&group())?.announced());
        let target = found.and_then(|(_, _, address)| {
            self.nodes.iter().position(|node| node.address == *address)
        });
        let reachable = target.filter(|node| self.network.connects(place, Place::Node(*node)));
        let dialled = reachable.is_some_and(|node| self.client_dials(client, node));
        if !dialled {
            let after = self.rng.between(30_000, 150_000);
            self.client_later(client, after);
        }
    }

    /// Connects to the gate of a node where there are gates, else to its redis-server.
    fn client_dials(&mut self, client: usize, node: usize) -> bool {
        let (place, id) = (Place::Client(client), self.channels.next_id());
        let host = &self.nodes[node];
        if self.has_gates() {
            if host.gate.is_none() {
                return false;
            }
            let run = host.run;
            self.open(Purpose::Gate, (place, 0), (Place::Node(node), run));
        } else {
            let Some(run) = host.redis.as_ref().map(|redis| redis.run) else {
                return false;
            };
            self.open(Purpose::Client(id), (place, 0), (Place::Node(node), run));
            if let Some(redis) = self.nodes[node].redis.as_mut() {
                redis.clients.insert(id);
            }
        }
        self.clients[client].channel = Some(id);
        self.clients[client].refused = 0;
        self.client_waits(client);
        true
    }

    fn hang_up(&mut self, client: usize) {
        self.clients[client].waiting.clear();
        if let Some(channel) = self.clients[client].channel.take() {
            self.close(channel, Place::Client(client));
        }
    }

    /// Something reaches a client.
    pub(super) fn client_receives(&mut self, client: usize, id: ChannelId, payload: &Payload) {
        if self.clients[client].channel != Some(id) {
            return;
        }
        match payload {
            Payload::Opened => self.client_later(client, 1),
            Payload::Closed | Payload::Lost => {
                self.hang_up(client);
                let after = self.rng.between(1_000, 50_000);
                self.client_later(client, after);
            }
            Payload::Answer(number, outcome) => {
                if let Some(asked) = self.expected(client, *number) {
                    self.client_answered(client, asked, *outcome);
                }
            }
            Payload::Data(number, found) if self.expected(client, *number).is_some() => {
                self.client_reads(client, *found);
            }
            _ => {}
        }
    }

    /// What this answer is for: the oldest request, or a rule is broken.
    fn expected(&mut self, client: usize, number: u64) -> Option<Asked> {
        let oldest = self.clients[client].waiting.pop_front();
        self.violations.extend(i09_replies_in_order::check(
            self.now, client, oldest, number,
        ));
        oldest
    }

    fn client_reads(&mut self, client: usize, found: Found) {
        self.violations
            .extend(i08_no_read_rolled_back::check_read(self, found));
        if self.clients[client].reads_only {
            self.clients[client].acknowledged_at = self.now;
        }
        self.counters.hit("read answered");
        self.client_goes_on(client);
    }

    fn client_answered(&mut self, client: usize, asked: Asked, outcome: Result<(), Refusal>) {
        let now = self.now;
        let state = &mut self.clients[client];
        match outcome {
            Ok(()) => {
                state.refused = 0;
                if !asked.read {
                    state.acknowledged_at = now;
                    self.counters.hit("write acknowledged");
                }
            }
            // A stubborn client tries again where it is; most ask anew.
            Err(Refusal::NoReplicas | Refusal::Loading) if state.refused < 3 => state.refused += 1,
            Err(_) => self.hang_up(client),
        }
        self.client_goes_on(client);
    }

    fn client_goes_on(&mut self, client: usize) {
        if !self.clients[client].waiting.is_empty() {
            return;
        }
        let pace = self.clients[client].pace_us;
        let after = self.rng.between(pace / 2, pace * 3 / 2);
        self.client_later(client, after);
    }
}
