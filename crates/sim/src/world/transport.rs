//! Opening, using and closing connections.

use super::World;
use super::channel::{Channel, ChannelId, End, Payload, Purpose};
use super::event::{Event, Target};
use super::network::Place;
use crate::model::{Message, Micros};

/// Messages that a cut may hold back on one connection; then it breaks.
const HELD_MAX: usize = 20_000;

/// A connection of agents and sentinels that carries nothing for so long is given up.
const KEEP_ALIVE_US: Micros = 1_000_000;

impl World {
    /// A new connection between two processes; both sides learn of it after a while.
    pub(super) fn open(
        &mut self,
        purpose: Purpose,
        from: (Place, u64),
        to: (Place, u64),
    ) -> ChannelId {
        let ends = [
            End {
                place: from.0,
                run: from.1,
            },
            End {
                place: to.0,
                run: to.1,
            },
        ];
        let id = self.channels.add(Channel::new(purpose, ends[0], ends[1]));
        self.send(id, from.0, Payload::Opened);
        self.send(id, to.0, Payload::Opened);
        id
    }

    /// Sends on a connection from the side at `place`; a closed one swallows it.
    pub(super) fn send(&mut self, id: ChannelId, place: Place, payload: Payload) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        let side = channel.side_at(place);
        if !channel.open[side] && !matches!(payload, Payload::Closed) {
            return;
        }
        let (from, to) = channel.path(side);
        let lane = &mut channel.lanes[side];
        let at = (self.now + self.network.delay(from, to)).max(lane.last_arrival + 1);
        lane.last_arrival = at;
        self.queue.push(
            at,
            Event::Arrive {
                channel: id,
                side: 1 - side,
                payload,
            },
        );
    }

    /// The side at `place` ends a connection; the other learns of it behind what was sent before.
    pub(super) fn close(&mut self, id: ChannelId, place: Place) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        let side = channel.side_at(place);
        if std::mem::replace(&mut channel.open[side], false) {
            self.send(id, place, Payload::Closed);
        }
        self.sweep(id);
    }

    fn sweep(&mut self, id: ChannelId) {
        if self
            .channels
            .get(id)
            .is_some_and(|channel| channel.open == [false, false])
        {
            self.channels.remove(id);
        }
    }

    /// Something reaches `side`, unless a cut holds it back.
    pub(super) fn on_arrive(&mut self, id: ChannelId, side: usize, payload: Payload) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        let (from, to) = channel.path(1 - side);
        let lane = &mut channel.lanes[1 - side];
        if lane.held.is_empty() && self.network.passes(from, to) {
            return self.deliver(id, side, payload);
        }
        if lane.held.len() < HELD_MAX {
            return lane.held.push_back(payload);
        }
        if !std::mem::replace(&mut lane.broken, true) {
            for side in [0, 1] {
                self.queue
                    .push(self.now, Event::Abort { channel: id, side });
            }
        }
    }

    /// After a cut: what was held back arrives in order.
    pub(super) fn on_flush(&mut self, id: ChannelId, side: usize) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        let (from, to) = channel.path(1 - side);
        if !self.network.passes(from, to) {
            return;
        }
        for payload in std::mem::take(&mut channel.lanes[1 - side].held) {
            self.deliver(id, side, payload);
        }
    }

    /// A cut was healed: retransmissions bring what was held back.
    pub(super) fn flush_all(&mut self) {
        let waiting: Vec<(ChannelId, usize)> = self
            .channels
            .iter_mut()
            .flat_map(|(id, channel)| {
                [0, 1].map(|side| (id, side, !channel.lanes[1 - side].held.is_empty()))
            })
            .filter_map(|(id, side, held)| held.then_some((id, side)))
            .collect();
        for (channel, side) in waiting {
            let at = self.now + self.rng.between(500, 200_000);
            self.queue.push(at, Event::Flush { channel, side });
        }
    }

    fn deliver(&mut self, id: ChannelId, side: usize, payload: Payload) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        if !channel.open[side] {
            return;
        }
        let (purpose, end, other) = (channel.purpose, channel.ends[side], channel.ends[1 - side]);
        if !self.lives(purpose, end) {
            if !self.is_corpse(end) {
                self.close(id, end.place);
            }
            return;
        }
        if matches!(payload, Payload::Closed) {
            if let Some(channel) = self.channels.get_mut(id) {
                channel.open[side] = false;
            }
            self.sweep(id);
        }
        self.receive(id, purpose, end.place, other.place, payload);
    }

    /// Whether the process at this end still is the one that the connection was made with.
    fn lives(&self, purpose: Purpose, end: End) -> bool {
        match (end.place, purpose) {
            (Place::Client(_), _) => true,
            (Place::Sentinel(s), _) => {
                self.sentinels[s].core.is_some() && self.sentinels[s].run == end.run
            }
            (Place::Node(n), Purpose::Agent | Purpose::Gate) => {
                self.nodes[n].agent.is_some() && self.nodes[n].run == end.run
            }
            (Place::Node(n), _) => self.nodes[n]
                .redis
                .as_ref()
                .is_some_and(|redis| redis.run == end.run),
        }
    }

    fn is_corpse(&self, end: End) -> bool {
        matches!(end.place, Place::Node(n) if self.nodes[n].corpses.contains_key(&end.run))
    }

    fn receive(
        &mut self,
        id: ChannelId,
        purpose: Purpose,
        here: Place,
        there: Place,
        payload: Payload,
    ) {
        match (here, purpose) {
            (Place::Node(node), Purpose::Agent) => self.agent_receives(node, id, there, payload),
            (Place::Node(node), Purpose::Replication(link)) => {
                self.redis_receives(node, link, there, payload);
            }
            (Place::Node(node), Purpose::Gate) => self.gate_receives(node, id, payload),
            (Place::Node(node), Purpose::Client(_)) => self.redis_serves(node, id, &payload),
            (Place::Sentinel(sentinel), _) => self.sentinel_receives(sentinel, id, there, payload),
            (Place::Client(client), _) => self.client_receives(client, id, &payload),
            (Place::Node(_), Purpose::Peer) => {}
        }
    }

    fn redis_receives(&mut self, node: usize, link: u64, there: Place, payload: Payload) {
        let now = self.now;
        match payload {
            Payload::Opened => drop(self.with_redis(node, |server| server.link_opened(now, link))),
            Payload::Closed => {
                if let Some(redis) = self.nodes[node].redis.as_mut() {
                    redis.links.remove(&link);
                }
                self.gate_parts(node, link);
                self.with_redis(node, |server| server.link_closed(now, link));
            }
            Payload::Replication(message) => {
                let acknowledged = match message {
                    Message::Ack(offset) => Some(offset),
                    _ => None,
                };
                self.before_replication(node, &message);
                self.gate_meets(node, link, there, &message);
                self.with_redis(node, |server| server.received(now, link, message));
                if let Some(offset) = acknowledged {
                    self.wake_barriers(node);
                    self.gate_overhears(node, link, offset);
                }
            }
            _ => {}
        }
    }

    fn redis_serves(&mut self, node: usize, id: ChannelId, payload: &Payload) {
        match payload {
            Payload::Closed => {
                if let Some(redis) = self.nodes[node].redis.as_mut() {
                    redis.clients.remove(&id);
                }
            }
            Payload::Write(value) => self.on_write(node, id, *value),
            _ => {}
        }
    }

    /// Ends control connections that have been cut for long; the two sides notice at different times.
    pub(super) fn on_keep_alive(&mut self) {
        let (now, network) = (self.now, &self.network);
        let mut dead = Vec::new();
        for (id, channel) in self.channels.iter_mut() {
            let (from, to) = channel.path(0);
            let control = matches!(channel.purpose, Purpose::Agent | Purpose::Peer);
            if !control || network.connects(from, to) {
                channel.cut_since = None;
            } else if *channel.cut_since.get_or_insert(now) + KEEP_ALIVE_US < now {
                dead.push(id);
            }
        }
        for channel in dead {
            for side in 0..2 {
                let at = now + self.rng.between(0, 500_000);
                self.queue.push(at, Event::Abort { channel, side });
            }
        }
        self.queue.push(now + 250_000, Event::KeepAlive);
    }

    /// One side gives a connection up by itself.
    pub(super) fn on_abort(&mut self, id: ChannelId, side: usize) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        if !channel.open[side] {
            return;
        }
        let place = channel.ends[side].place;
        let (purpose, end, other) = (
            channel.purpose,
            channel.ends[side],
            channel.ends[1 - side].place,
        );
        self.close(id, place);
        if self.lives(purpose, end) {
            self.receive(id, purpose, place, other, Payload::Lost);
        }
    }

    /// For whom an event is that goes through a connection.
    pub(super) fn target_of(&self, event: &Event) -> Target {
        let (Event::Arrive { channel, side, .. }
        | Event::Flush { channel, side }
        | Event::Abort { channel, side }) = event
        else {
            return event.target();
        };
        let Some(channel) = self.channels.get(*channel) else {
            return Target::World;
        };
        match (channel.ends[*side].place, channel.purpose) {
            (Place::Node(node), Purpose::Agent | Purpose::Gate) => Target::Agent(node),
            (Place::Node(node), _) => Target::Redis(node),
            (Place::Sentinel(sentinel), _) => Target::Sentinel(sentinel),
            (Place::Client(_), _) => Target::World,
        }
    }
}
