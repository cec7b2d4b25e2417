//! Clients: each asks a sentinel for the primary, and writes one unique value after the other to it.

use super::World;
use super::channel::{ChannelId, Payload, Purpose};
use super::event::Event;
use super::network::Place;
use super::sentinel::group;
use crate::model::{Micros, Refusal};

/// A client gives up a connection on which it waits for so long.
const TIMEOUT_US: Micros = 1_000_000;

/// One client.
#[derive(Debug, Default)]
pub struct Client {
    channel: Option<ChannelId>,
    /// Grows with everything that happens, so that old timers mean nothing.
    number: u64,
    waiting: Option<u64>,
    refused: u32,
    pace_us: Micros,
    /// It writes no more.
    pub stopped: bool,
    /// When it last had a write acknowledged.
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
}

impl World {
    fn client_later(&mut self, client: usize, after: Micros) {
        self.clients[client].number += 1;
        let number = self.clients[client].number;
        self.queue
            .push(self.now + after, Event::Client { client, number });
    }

    /// The client's timer: send the next write, or give up waiting.
    pub(super) fn on_client(&mut self, client: usize, number: u64) {
        if self.clients[client].number != number || self.clients[client].stopped {
            return;
        }
        if self.clients[client].waiting.is_some() {
            self.hang_up(client);
        }
        match self.clients[client].channel {
            Some(channel) => self.client_write(client, channel),
            None => self.client_connect(client),
        }
    }

    fn client_write(&mut self, client: usize, channel: ChannelId) {
        let value = self.ledger.next_value();
        self.clients[client].waiting = Some(value);
        self.send(channel, Place::Client(client), Payload::Write(value));
        self.client_later(client, TIMEOUT_US);
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
        let server = reachable.and_then(|node| Some((node, self.nodes[node].redis.as_ref()?.run)));
        let Some((node, run)) = server else {
            let after = self.rng.between(30_000, 150_000);
            self.client_later(client, after);
            return;
        };
        let id = self.channels_made + 1;
        self.open(Purpose::Client(id), (place, 0), (Place::Node(node), run));
        if let Some(redis) = self.nodes[node].redis.as_mut() {
            redis.clients.insert(id);
        }
        self.clients[client].channel = Some(id);
        self.clients[client].refused = 0;
        self.client_later(client, TIMEOUT_US);
    }

    fn hang_up(&mut self, client: usize) {
        self.clients[client].waiting = None;
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
            Payload::Closed => {
                self.hang_up(client);
                let after = self.rng.between(1_000, 50_000);
                self.client_later(client, after);
            }
            Payload::Answer(value, outcome) if self.clients[client].waiting == Some(*value) => {
                self.client_answered(client, *outcome);
            }
            _ => {}
        }
    }

    fn client_answered(&mut self, client: usize, outcome: Result<(), Refusal>) {
        let now = self.now;
        let state = &mut self.clients[client];
        state.waiting = None;
        match outcome {
            Ok(()) => {
                state.refused = 0;
                state.acknowledged_at = now;
                self.counters.hit("write acknowledged");
            }
            // A stubborn client tries again where it is; most ask anew.
            Err(Refusal::NoReplicas | Refusal::Loading) if state.refused < 3 => state.refused += 1,
            Err(_) => self.hang_up(client),
        }
        let pace = self.clients[client].pace_us;
        let after = self.rng.between(pace / 2, pace * 3 / 2);
        self.client_later(client, after);
    }
}
