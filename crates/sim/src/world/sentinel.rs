//! The shell round a sentinel: its disk, its connections.

mod links;

use super::World;
use super::channel::{ChannelId, Payload, Purpose};
use super::event::Event;
use super::network::Place;
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Group;
use holdfast_core::record::Terms;
use holdfast_core::sentinel::{
    BY_WORD, GroupConfig, Happening, Persistent, SentinelCore, SentinelInput, SentinelOutput,
    SentinelSettings, Written,
};
use holdfast_core::wire::PeerMessage;

/// Pace of the sentinel's clock tick, as its shell has it.
const TICK_US: u64 = 30_000;

/// The one group of the world.
pub(crate) fn group() -> Group {
    Group::from("mymaster")
}

/// Decisions that are counted, by their codes.
const COUNTED: &[(&str, &str)] = &[
    ("ElectionResumed", "election by another sentinel"),
    ("AppointedByData", "cold start"),
    ("AppointedWithoutData", "cold start without data"),
    ("FirstAppointed", "first start"),
    ("HandoffGivenUp", "handoff gave up"),
    ("VotersChanged", "voters changed"),
    ("Slept", "sentinel was frozen"),
    ("Deposed", "deposed"),
    ("Degraded", "group degraded"),
    ("RuleChanged", "sync set changed"),
    ("MembersMissing", "election waited for members"),
];

impl World {
    fn group_config(&self) -> GroupConfig {
        GroupConfig {
            name: group(),
            nodes: self.nodes.len(),
            terms: self.terms,
            cache: self.cache,
            handoff_pace: 0,
        }
    }

    /// Every sentinel that runs is told what the group asks for from now on.
    pub(super) fn change_terms(&mut self, terms: Terms) {
        self.counters.hit("terms changed");
        self.terms = terms;
        let set = || self.sentinels.iter().map(|host| host.name.clone());
        let set: std::collections::BTreeSet<_> = set().collect();
        for index in 0..self.sentinels.len() {
            let (set, groups) = (set.clone(), vec![self.group_config()]);
            self.sentinel_step(index, SentinelInput::Reconfigure { set, groups });
        }
    }

    /// A sentinel starts with what its disk holds.
    pub(super) fn boot_sentinel(&mut self, index: usize) {
        let now = self.now;
        let set = self
            .sentinels
            .iter()
            .map(|host| host.name.clone())
            .collect();
        let config = self.group_config();
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
            self.dial(from, run, to, Purpose::Peer);
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

    pub(super) fn on_sentinel_tick(&mut self, sentinel: usize) {
        let run = self.sentinels[sentinel].run;
        self.tick_again(Event::SentinelTick { sentinel, run }, TICK_US, 4_000);
        self.sentinel_step(sentinel, SentinelInput::Tick);
    }

    /// One step of a sentinel.
    pub(super) fn sentinel_step(&mut self, index: usize, input: SentinelInput) {
        let host = &mut self.sentinels[index];
        let Some(core) = host.core.as_mut() else {
            return;
        };
        let outputs = core.step(host.clock.at(self.now), input);
        if !outputs.is_empty() {
            self.look_for_decision(index);
        }
        for output in self.bounded("a sentinel's step", outputs) {
            self.perform_sentinel(index, output);
        }
    }

    fn perform_sentinel(&mut self, index: usize, output: SentinelOutput) {
        match output {
            SentinelOutput::ToPeer { to, message } => self.tell_peer(index, &to, message),
            SentinelOutput::ToAgent { node, message, .. } => {
                let Some(node) = self.number_of(&node) else {
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
            SentinelOutput::Decide { said, .. } => {
                let counted = COUNTED.iter().filter(|(code, _)| said.is(code));
                for (_, name) in counted {
                    self.counters.hit(name);
                }
                if BY_WORD.iter().any(|code| said.is(code)) {
                    self.counters.hit("operator forced");
                }
                self.note_decision(&format!("sentinel {index}"), &said);
            }
            SentinelOutput::Happened { happening, .. } => self.note_happening(index, &happening),
            SentinelOutput::Answer { id, result } => {
                self.trace.line(self.now, || {
                    format!("sentinel {index}: answers {id}: {result:?}")
                });
            }
        }
    }

    fn note_happening(&mut self, index: usize, happening: &Happening) {
        if let Happening::Electing(_) = happening {
            self.counters.hit("election");
        }
        self.trace
            .line(self.now, || format!("sentinel {index}: {happening:?}"));
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
}

fn keep(disk: &mut Persistent, written: Written) {
    match written {
        Written::Voters(voters) => disk.voters = voters,
        Written::Slot { group, slot } => drop(disk.slots.insert(group, slot)),
    }
}
