//! What a node may lose: its power, its volume, its address, the say over its redis-server.

use crate::model::{Command, Files, Logged, Micros};
use crate::world::World;
use crate::world::disk::Disk;
use crate::world::network::Place;
use crate::world::operation::nowhere;
use holdfast_core::names::Address;

impl World {
    pub(super) fn power_loss(&mut self, node: usize) {
        self.kill_pod(node, "lost its power");
        let host = &mut self.nodes[node];
        let kept = host.rng.below(20) as usize;
        host.files.lose_power(kept);
        let mut rng = host.rng.fork(1);
        host.disk.lose_power(&mut rng);
        self.storing.retain(|(_, other, ..)| *other != node);
    }

    pub(super) fn power_loss_of_all(&mut self) {
        self.counters.hit("power loss of all nodes");
        for node in 0..self.nodes.len() {
            self.power_loss(node);
            let after = self.rng.between(1, 60) * 50_000;
            self.boot_later(Place::Node(node), after);
        }
    }

    pub(super) fn lose_volume(&mut self, node: usize, after: Micros) {
        self.counters.hit("node reborn empty");
        self.kill_pod(node, "lost its volume");
        self.storing.retain(|(_, other, ..)| *other != node);
        let host = &mut self.nodes[node];
        host.files = Files::default();
        host.disk = Disk::default();
        self.monitors.promised.remove(&node);
        host.foreign = false;
        self.boot_later(Place::Node(node), after);
    }

    /// A person stops the agent, empties the data folder and starts it again; what the agent remembers stays.
    pub(in crate::world) fn empty_folder(&mut self, node: usize) {
        self.kill_pod(node, "its data are given up");
        self.nodes[node].files = Files::default();
        self.boot_later(Place::Node(node), 300_000);
    }

    pub(super) fn swap_addresses(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        self.counters.hit("address reused");
        for node in [a, b] {
            self.kill_pod(node, "rescheduled");
            let after = self.rng.between(1, 30) * 50_000;
            self.boot_later(Place::Node(node), after);
        }
        let first: Address = self.nodes[a].address.clone();
        self.nodes[a].address = std::mem::replace(&mut self.nodes[b].address, first);
    }

    /// One stranger among at least two others: were all of them foreign, nothing could be served.
    pub(super) fn foreign_data(&mut self, node: usize) {
        if self.nodes.len() < 3 || self.nodes.iter().any(|host| host.foreign) {
            return;
        }
        self.counters.hit("foreign data");
        self.lose_volume(node, 300_000);
        let values: Vec<u64> = (0..5).map(|n| crate::ledger::FOREIGN + n).collect();
        let image = crate::model::Image {
            data: std::sync::Arc::new(values.clone()),
            ..crate::model::Image::default()
        };
        let host = &mut self.nodes[node];
        host.foreign = true;
        host.files = Files {
            dump: Some(image),
            synced: values.len(),
            log: Some(values.into_iter().map(Logged::Value).collect()),
            unfinished: false,
            ..Files::default()
        };
    }

    pub(super) fn tamper(&mut self, node: usize) {
        let now = self.now;
        self.counters.hit("tampered");
        let command = if self.rng.chance(500) {
            Command::ReplicaOf(None)
        } else {
            Command::ReplicaOf(Some(nowhere()))
        };
        let frozen = self.nodes[node]
            .redis
            .as_ref()
            .is_none_or(|redis| redis.frozen_until > now);
        if let Some(redis) = self.nodes[node].redis.as_mut() {
            redis.tampered = true;
        }
        if !frozen {
            let _ = self.with_redis(node, |server| server.command(now, command));
            self.wake_barriers(node);
        }
    }
}
