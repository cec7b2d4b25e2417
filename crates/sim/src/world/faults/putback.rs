//! What is put back to an older state: volumes restored from a snapshot, one file of them, registers of sentinels.

use crate::invariants::PutBack;
use crate::model::{Files, Persistence};
use crate::rng::Rng;
use crate::world::World;
use crate::world::disk::Disk;
use crate::world::network::Place;
use holdfast_core::agent::Stored;
use holdfast_core::sentinel::Persistent;

/// Which part of a node's volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::world) enum Part {
    /// The data and what the agent remembers.
    Whole,
    /// Only the data.
    Data,
    /// Only what the agent remembers.
    Memory,
}

impl Part {
    /// One of them.
    pub(super) fn draw(rng: &mut Rng) -> Self {
        *rng.pick(&[Self::Whole, Self::Data, Self::Memory])
            .unwrap_or(&Self::Whole)
    }
}

/// A copy of a node's volume.
#[derive(Clone, Debug)]
struct Volume {
    files: Files,
    disk: Disk<Stored>,
    foreign: bool,
}

/// Copies of all volumes, of one moment.
#[derive(Clone, Debug, Default)]
pub(in crate::world) struct Snapshots {
    nodes: Vec<Volume>,
    sentinels: Vec<(String, Persistent)>,
}

impl World {
    /// Somebody takes snapshots of all volumes.
    pub(super) fn take_snapshots(&mut self) {
        let node = |host: &crate::world::NodeHost| {
            let running = host.redis.as_ref().map(|redis| redis.server.files());
            Volume {
                files: running.unwrap_or(&host.files).clone(),
                disk: host.disk.clone(),
                foreign: host.foreign,
            }
        };
        let sentinel =
            |host: &crate::world::SentinelHost| (host.identity.clone(), host.disk.clone());
        self.snapshots = Snapshots {
            nodes: self.nodes.iter().map(node).collect(),
            sentinels: self.sentinels.iter().map(sentinel).collect(),
        };
    }

    /// A node comes back with a part of its volume as it was.
    pub(super) fn put_back(&mut self, node: usize, part: Part) {
        let Some(volume) = self.snapshots.nodes.get(node).cloned() else {
            return;
        };
        self.counters.hit("volume put back");
        self.kill_pod(node, "its volume is put back");
        self.storing.retain(|(_, other, ..)| *other != node);
        let after = self.rng.between(1, 20) * 50_000;
        self.boot_later(Place::Node(node), after);
        if part != Part::Memory {
            self.nodes[node].files = volume.files;
            self.nodes[node].foreign = volume.foreign;
            if self.settings.persistence == Persistence::AppendAlways {
                self.lose_what_no_disk_has();
            }
        }
        if part != Part::Data {
            self.nodes[node].disk = volume.disk;
            self.monitors.promised.remove(&node);
        }
    }

    /// Two nodes come back with each other's data, and with each other's memory or without.
    pub(super) fn swap_volumes(&mut self, a: usize, b: usize, whole: bool) {
        if a == b {
            return;
        }
        self.counters.hit("volumes changed places");
        for node in [a, b] {
            self.kill_pod(node, "its volume is another node's");
            self.storing.retain(|(_, other, ..)| *other != node);
            self.monitors.promised.remove(&node);
            let after = self.rng.between(1, 20) * 50_000;
            self.boot_later(Place::Node(node), after);
        }
        let (low, high) = self.nodes.split_at_mut(a.max(b));
        if let (Some(one), Some(other)) = (low.get_mut(a.min(b)), high.first_mut()) {
            std::mem::swap(&mut one.files, &mut other.files);
            std::mem::swap(&mut one.foreign, &mut other.foreign);
            if whole {
                std::mem::swap(&mut one.disk, &mut other.disk);
            }
        }
    }

    /// Of what these sentinels forget, and no other sentinel may be there to say, agents are the witnesses.
    fn lose_register(&mut self) {
        let runs = |node: &usize| self.nodes[*node].agent.is_some();
        self.monitors.register.give_up();
        let first = PutBack {
            epoch: self.monitors.opened,
            witnesses: (0..self.nodes.len()).filter(runs).collect(),
        };
        self.monitors.put_back.get_or_insert(first);
    }

    /// Sentinels come back with the registers of the snapshot: the first `many` of them.
    pub(super) fn put_back_registers(&mut self, many: usize) {
        let all = std::mem::take(&mut self.snapshots.sentinels);
        self.lose_register();
        for (index, (identity, disk)) in all.iter().enumerate().take(many) {
            self.counters.hit("register put back");
            self.kill_sentinel(index);
            self.sentinels[index].disk = disk.clone();
            self.sentinels[index].identity.clone_from(identity);
            let after = self.rng.between(1, 20) * 50_000;
            self.boot_later(Place::Sentinel(index), after);
        }
        self.snapshots.sentinels = all;
    }
}
