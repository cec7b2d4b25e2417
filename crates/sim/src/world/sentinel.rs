//! The shell round a sentinel: its disk, its connections.

use super::World;
use super::channel::{ChannelId, Payload, Purpose};
use super::event::Event;
use super::network::Place;
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Group;
use holdfast_core::sentinel::{
    GroupConfig, Happening, Persistent, SentinelCore, SentinelInput, SentinelOutput,
    SentinelSettings, Written,
};
use holdfast_core::wire::{PeerMessage, ToSentinel};

/// Pace of the sentinel's clock tick.
const TICK_US: u64 = 15_000;

/// The one group of the world.
pub(super) fn group() -> Group {
    Group::from("mymaster")
}

impl World {
    /// A sentinel starts with what its disk holds.
    pub(super) fn boot_sentinel(&mut self, index: usize) {
        let now = self.now;
        let set = self
            .sentinels
            .iter()
            .map(|host| host.name.clone())
            .collect();
        let config = GroupConfig {
            name: group(),
            nodes: self.nodes.len(),
            durability: holdfast_core::record::Durability::Async,
            cache: self.cache,
        };
        let host = &mut self.sentinels[index];
        if host.core.is_some() || host.boot_at.is_none_or(|at| at > now) {
            return;
        }
        host.boot_at = None;
        host.run += 1;
        let settings = SentinelSettings {
            name: host.name.clone(),
            identity: host.identity.clone(),
            run: host.rng.bits(),
            set,
            groups: vec![config],
            mutant: self.config.mutant,
        };
        host.core = Some(SentinelCore::new(settings, host.disk.clone()));
        host.writing.clear();
        host.disk_free_at = now;
        let run = host.run;
        self.queue.push(
            now,
            Event::SentinelTick {
                sentinel: index,
                run,
            },
        );
        for other in index + 1..self.sentinels.len() {
            let (from, to) = (Place::Sentinel(index), Place::Sentinel(other));
            self.queue.push(
                now + 500,
                Event::Dial {
                    from,
                    run,
                    to,
                    purpose: Purpose::Peer,
                },
            );
        }
        self.trace.line(now, || format!("sentinel {index}: starts"));
    }

    /// A sentinel ends at once. Of what it was writing, some beginning is on disk.
    pub(super) fn kill_sentinel(&mut self, index: usize) {
        let host = &mut self.sentinels[index];
        if host.core.take().is_none() {
            return;
        }
        host.frozen_until = 0;
        let kept = host.rng.below(host.writing.len() as u64 + 1) as usize;
        for (written, _) in std::mem::take(&mut host.writing).into_iter().take(kept) {
            keep(&mut host.disk, written);
        }
        let channels: Vec<ChannelId> = host
            .agents
            .values()
            .chain(host.peers.values())
            .copied()
            .collect();
        host.agents.clear();
        host.peers.clear();
        for channel in channels {
            self.close(channel, Place::Sentinel(index));
        }
        self.monitors.forget_reports(index);
        self.trace
            .line(self.now, || format!("sentinel {index}: ends"));
    }

    /// Its volume is gone: the next start knows nothing, under another identity.
    pub(super) fn wipe_sentinel(&mut self, index: usize) {
        self.kill_sentinel(index);
        let host = &mut self.sentinels[index];
        host.disk = Persistent::default();
        if self.config.mutant != Mutant::ReuseIdentity {
            host.identity = format!("{:040x}", host.rng.bits());
        }
    }

    /// Brings a sentinel back after a while.
    pub(super) fn boot_sentinel_later(&mut self, sentinel: usize, after: u64) {
        let at = self.now + after;
        self.sentinels[sentinel].boot_at = Some(at);
        self.queue.push(at, Event::BootSentinel { sentinel });
    }

    pub(super) fn on_sentinel_tick(&mut self, sentinel: usize) {
        let run = self.sentinels[sentinel].run;
        let late = self.rng.below(4_000);
        self.queue.push(
            self.now + TICK_US + late,
            Event::SentinelTick { sentinel, run },
        );
        self.sentinel_step(sentinel, SentinelInput::Tick);
    }

    /// One step of a sentinel.
    pub(super) fn sentinel_step(&mut self, index: usize, input: SentinelInput) {
        let host = &mut self.sentinels[index];
        let Some(core) = host.core.as_mut() else {
            return;
        };
        let outputs = core.step(host.clock.at(self.now), input);
        self.monitors.bounded(
            self.now,
            "a sentinel's step",
            outputs.len(),
            &mut self.violations,
        );
        for output in outputs {
            self.perform_sentinel(index, output);
        }
    }

    fn perform_sentinel(&mut self, index: usize, output: SentinelOutput) {
        match output {
            SentinelOutput::ToPeer { to, message } => self.tell_peer(index, &to, message),
            SentinelOutput::ToAgent { node, message, .. } => {
                let Some(node) = self.nodes.iter().position(|host| host.name == node) else {
                    return;
                };
                if let Some(channel) = self.sentinels[index].agents.get(&node).copied() {
                    self.send(
                        channel,
                        Place::Sentinel(index),
                        Payload::Down(Box::new(message)),
                    );
                }
            }
            SentinelOutput::Persist { written, then } => self.persist(index, written, then),
            SentinelOutput::Decide { text, .. } => self.note_decision(index, &text),
            SentinelOutput::Happened { happening, .. } => self.note_happening(index, &happening),
            SentinelOutput::Answer { id, result } => {
                self.trace.line(self.now, || {
                    format!("sentinel {index}: answers {id}: {result:?}")
                });
            }
        }
    }

    fn note_decision(&mut self, index: usize, text: &str) {
        self.trace.mark_text(text);
        let counted = [
            ("goes on with the election", "election by another sentinel"),
            ("everything was restarted", "cold start"),
            ("no node holds any data", "cold start without data"),
            ("for epoch 1:", "first start"),
            ("gave the handoff", "handoff gave up"),
            ("the voters are", "voters changed"),
            ("did not run for", "sentinel was frozen"),
            ("on a person's word", "operator forced"),
            ("deposed", "deposed"),
        ];
        for (part, counter) in counted {
            if text.contains(part) {
                self.counters.hit(counter);
            }
        }
        self.trace
            .line(self.now, || format!("sentinel {index}: {text}"));
    }

    fn note_happening(&mut self, index: usize, happening: &Happening) {
        if let Happening::Electing(_) = happening {
            self.counters.hit("election");
        }
        self.trace
            .line(self.now, || format!("sentinel {index}: {happening:?}"));
    }

    fn tell_peer(
        &mut self,
        index: usize,
        to: &holdfast_core::names::Sentinel,
        message: PeerMessage,
    ) {
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
        let Some(channel) = self.sentinels[index].peers.get(&other).copied() else {
            return;
        };
        let payload = || {
            Payload::Peer(
                self.sentinels[index].name.clone(),
                Box::new(message.clone()),
            )
        };
        let chaos = self.rng.chance(self.peer_chaos_per_mille);
        if !chaos {
            let payload = payload();
            self.send(channel, Place::Sentinel(index), payload);
            return;
        }
        // Lost, doubled, or late behind its successors: the register must not care.
        let copies = self.rng.below(3);
        let side = usize::from(
            self.channels
                .get(&channel)
                .is_none_or(|c| c.side_at(Place::Sentinel(index)) == 0),
        );
        for _ in 0..copies {
            let payload = Payload::Peer(
                self.sentinels[index].name.clone(),
                Box::new(message.clone()),
            );
            let at = self.now + self.rng.between(100, 60_000);
            self.queue.push(
                at,
                Event::Arrive {
                    channel,
                    side,
                    payload,
                },
            );
        }
    }

    fn persist(
        &mut self,
        index: usize,
        written: Written,
        then: Vec<(holdfast_core::names::Sentinel, PeerMessage)>,
    ) {
        let now = self.now;
        let host = &mut self.sentinels[index];
        let begins = now.max(host.disk_free_at).max(host.disk_full_until);
        host.disk_free_at = begins + host.rng.between(100, host.fsync_us);
        host.writing.push_back((written, then));
        let (at, run) = (host.disk_free_at, host.run);
        self.queue.push(
            at,
            Event::Persisted {
                sentinel: index,
                run,
            },
        );
    }

    pub(super) fn on_persisted(&mut self, index: usize) {
        let Some((written, then)) = self.sentinels[index].writing.pop_front() else {
            return;
        };
        keep(&mut self.sentinels[index].disk, written);
        for (to, message) in then {
            self.tell_peer(index, &to, message);
        }
    }

    /// Something reaches a sentinel.
    pub(super) fn sentinel_receives(
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
                self.sentinel_step(index, SentinelInput::AgentLinked { group, node: name });
            }
            end @ (Payload::Closed | Payload::Lost) => {
                let reset = matches!(end, Payload::Closed);
                if self.sentinels[index].agents.get(&node) == Some(&id) {
                    self.sentinels[index].agents.remove(&node);
                    self.sentinel_step(
                        index,
                        SentinelInput::AgentGone {
                            group,
                            node: name,
                            reset,
                        },
                    );
                }
            }
            Payload::Up(message) => {
                if let ToSentinel::Report(report) = *message {
                    self.before_report(index, node, &report);
                    self.sentinel_step(
                        index,
                        SentinelInput::Report {
                            group,
                            node: name,
                            report,
                        },
                    );
                }
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
            Payload::Peer(from, message) => {
                self.sentinel_step(
                    index,
                    SentinelInput::Peer {
                        from,
                        message: *message,
                    },
                );
            }
            _ => {}
        }
    }

    pub(super) fn on_echo(&mut self, index: usize, message: PeerMessage) {
        let from = self.sentinels[index].name.clone();
        self.sentinel_step(index, SentinelInput::Peer { from, message });
    }

    /// Agents and sentinels connect to a sentinel.
    pub(super) fn on_dial(&mut self, from: Place, run: u64, to: Place, purpose: Purpose) {
        let Place::Sentinel(target) = to else { return };
        let (alive, linked) = match from {
            Place::Node(node) => {
                let host = &self.nodes[node];
                (
                    host.agent.is_some() && host.run == run,
                    host.channels.contains_key(&target),
                )
            }
            Place::Sentinel(index) => {
                let host = &self.sentinels[index];
                (
                    host.core.is_some() && host.run == run,
                    host.peers.contains_key(&target),
                )
            }
            Place::Client(_) => (false, false),
        };
        if !alive || linked {
            return;
        }
        if self.sentinels[target].core.is_some() && self.network.connects(from, to) {
            let target_run = self.sentinels[target].run;
            self.open(purpose, (from, run), (to, target_run));
        } else {
            self.redial(from, run, to, purpose);
        }
    }
}

fn keep(disk: &mut Persistent, written: Written) {
    match written {
        Written::Voters(voters) => disk.voters = voters,
        Written::Slot { group, slot } => drop(disk.slots.insert(group, slot)),
    }
}
