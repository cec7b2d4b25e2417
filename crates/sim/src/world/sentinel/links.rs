//! What a sentinel hears, and what it says to the others.

use super::group;
use crate::world::World;
use crate::world::channel::{ChannelId, Payload, Purpose};
use crate::world::event::Event;
use crate::world::network::Place;
use holdfast_core::names::Sentinel;
use holdfast_core::sentinel::SentinelInput;
use holdfast_core::wire::PeerMessage;

impl World {
    pub(super) fn tell_peer(&mut self, index: usize, to: &Sentinel, message: PeerMessage) {
        self.before_peer_message(index, &message);
        let host = &self.sentinels[index];
        if host.name == *to {
            let run = host.run;
            self.queue.push(
                self.now,
                Event::Echo {
                    sentinel: index,
                    run,
                    message: Box::new(message),
                },
            );
            return;
        }
        let Some(other) = self.sentinels.iter().position(|host| host.name == *to) else {
            return;
        };
        let Some(channel) = host.peers.get(&other).copied() else {
            return;
        };
        let late = self.chaos.befalls(&mut self.rng, &message);
        let payload = Payload::Peer(Box::new(message));
        let Some(late) = late else {
            self.send(channel, Place::Sentinel(index), payload);
            return;
        };
        let side = usize::from(
            self.channels
                .get(channel)
                .is_none_or(|c| c.side_at(Place::Sentinel(index)) == 0),
        );
        for late in late {
            self.queue.push(
                self.now + late,
                Event::Arrive {
                    channel,
                    side,
                    payload: payload.clone(),
                },
            );
        }
    }

    /// Something reaches a sentinel.
    pub(in crate::world) fn sentinel_receives(
        &mut self,
        index: usize,
        id: ChannelId,
        there: Place,
        payload: Payload,
    ) {
        match there {
            Place::Node(node) => self.hear_agent(index, id, node, payload),
            Place::Sentinel(other) => self.hear_peer(index, id, other, payload),
            Place::Client(_) => {}
        }
    }

    fn hear_agent(&mut self, index: usize, id: ChannelId, node: usize, payload: Payload) {
        let (group, name) = (group(), self.nodes[node].name.clone());
        match payload {
            Payload::Opened => {
                if let Some(old) = self.sentinels[index].agents.insert(node, id) {
                    self.close(old, Place::Sentinel(index));
                }
                let linked = SentinelInput::AgentLinked { group, node: name };
                self.sentinel_step(index, linked);
            }
            end @ (Payload::Closed | Payload::Lost) => {
                let reset = matches!(end, Payload::Closed);
                if self.sentinels[index].agents.get(&node) == Some(&id) {
                    self.sentinels[index].agents.remove(&node);
                    self.monitors.heard.remove(&(index, node));
                    let node = name;
                    let gone = SentinelInput::AgentGone { group, node, reset };
                    self.sentinel_step(index, gone);
                }
            }
            Payload::Up(report) => {
                self.before_report(index, node, &report);
                let report = SentinelInput::Report {
                    group,
                    node: name,
                    report,
                };
                self.sentinel_step(index, report);
            }
            _ => {}
        }
    }

    fn hear_peer(&mut self, index: usize, id: ChannelId, other: usize, payload: Payload) {
        let name = self.sentinels[other].name.clone();
        match payload {
            Payload::Opened => {
                if let Some(old) = self.sentinels[index].peers.insert(other, id) {
                    self.close(old, Place::Sentinel(index));
                }
                self.sentinel_step(index, SentinelInput::PeerLinked(name));
            }
            Payload::Closed | Payload::Lost => {
                let known = self.sentinels[index].peers.get(&other).copied();
                if known.is_some_and(|known| known != id) {
                    return;
                }
                if known.is_some() {
                    self.sentinels[index].peers.remove(&other);
                    self.sentinel_step(index, SentinelInput::PeerGone(name));
                }
                // Also one that was lost before it stood.
                if index < other {
                    let run = self.sentinels[index].run;
                    self.redial(
                        Place::Sentinel(index),
                        run,
                        Place::Sentinel(other),
                        Purpose::Peer,
                    );
                }
            }
            Payload::Peer(message) => {
                let (from, message) = (name, *message);
                self.sentinel_step(index, SentinelInput::Peer { from, message });
            }
            _ => {}
        }
    }

    pub(in crate::world) fn on_echo(&mut self, index: usize, message: PeerMessage) {
        let from = self.sentinels[index].name.clone();
        self.sentinel_step(index, SentinelInput::Peer { from, message });
    }
}
