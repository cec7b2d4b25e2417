//! A client's request on its way through the gate to redis-server, and the reply on its way back.

use crate::invariants::i02_one_writer;
use crate::model::{Command, Micros, Refusal, Reply};
use crate::world::World;
use crate::world::channel::{ChannelId, Found, Payload};
use crate::world::event::Event;
use crate::world::network::Place;
use holdfast_core::gate::GateOrder;

impl World {
    pub(super) fn forward_waiting(&mut self, node: usize) {
        let now = self.now;
        let host = &mut self.nodes[node];
        let (Some(gate), Some(redis)) = (&mut host.gate, &host.redis) else {
            return;
        };
        if !matches!(gate.order, GateOrder::Hold(_) | GateOrder::Pass) {
            return;
        }
        let redis_run = redis.run;
        for (id, session) in &mut gate.clients {
            for request in session.asked.drain(..) {
                if let Some(connection) = session.connection {
                    gate.core.asked(now, connection);
                }
                let at = (now + host.rng.between(10, 100)).max(gate.free_at + 1);
                gate.free_at = at;
                let asks = Event::GateAsks {
                    node,
                    redis_run,
                    client: *id,
                    request,
                };
                self.queue.push(at, asks);
            }
        }
    }

    /// A client's request reaches redis-server through the gate.
    pub(in crate::world) fn on_gate_asks(
        &mut self,
        node: usize,
        redis_run: u64,
        client: ChannelId,
        request: Payload,
    ) {
        if self.nodes[node]
            .redis
            .as_ref()
            .is_none_or(|r| r.run != redis_run)
        {
            return;
        }
        let now = self.now;
        let reply = match request {
            Payload::Write(value) => {
                let command = Command::Write { client, value };
                match self.with_redis(node, |server| server.command(now, command)) {
                    Some(Ok(Reply::Held)) | None => {
                        return self.counters.hit("write held by a pause");
                    }
                    Some(Ok(_)) => {
                        self.note_write(node, value);
                        Payload::Answer(value, Ok(()))
                    }
                    Some(Err(refusal)) => Payload::Answer(value, Err(refusal)),
                }
            }
            Payload::Read(number, beyond) => match self.look_up(node, beyond) {
                Some(found) => Payload::Data(number, found),
                None => Payload::Answer(number, Err(Refusal::Loading)),
            },
            _ => return,
        };
        self.answer_gate(node, client, reply);
    }

    /// What a read finds in the data of `node` just now.
    pub(super) fn look_up(&self, node: usize, beyond: Option<u64>) -> Option<Found> {
        let redis = self.nodes[node].redis.as_ref()?;
        let data = redis.server.data();
        let there = |value: &u64| data.iter().rev().any(|held| held == value);
        let answers = !redis.server.is_loading() && redis.server.busy_since().is_none();
        answers.then(|| Found {
            last: data.last().copied(),
            missed: beyond.filter(|value| !there(value)),
        })
    }

    /// redis-server's reply sets out for the gate.
    pub(in crate::world) fn answer_gate(&mut self, node: usize, client: ChannelId, reply: Payload) {
        let at = self.local_answer(node);
        let run = self.nodes[node].run;
        let hears = Event::GateHears {
            node,
            run,
            client,
            reply,
        };
        self.queue.push(at, hears);
    }

    /// When an answer that redis-server gives now is read by its agent.
    pub(super) fn local_answer(&mut self, node: usize) -> Micros {
        let now = self.now;
        let host = &mut self.nodes[node];
        let at = (now + host.rng.between(10, 100)).max(host.gate_free + 1);
        host.gate_free = at;
        at
    }

    pub(in crate::world) fn on_gate_hears(
        &mut self,
        node: usize,
        client: ChannelId,
        reply: Payload,
    ) {
        let Some(gate) = &mut self.nodes[node].gate else {
            return;
        };
        let passes = gate.order == GateOrder::Pass;
        if !gate.clients.contains_key(&client) {
            return;
        }
        if passes && self.is_over(node) {
            self.counters.hit("gate closed by itself");
            if let Some(gate) = &mut self.nodes[node].gate {
                gate.close_session(client);
            }
            return self.close(client, Place::Node(node));
        }
        if passes {
            self.counters.hit("reply passed");
            self.violations
                .extend(i02_one_writer::check_pass(self, node));
            self.send(client, Place::Node(node), reply);
            return;
        }
        let Some(gate) = &mut self.nodes[node].gate else {
            return;
        };
        let Some(session) = gate.clients.get_mut(&client) else {
            return;
        };
        session.held.push_back(reply);
        if let Some(connection) = session.connection {
            gate.core.held(connection, 1);
        }
        self.pump(node);
    }
}
