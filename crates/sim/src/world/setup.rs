//! A world from a seed.

use super::channel::Channels;
use super::chaos::Chaos;
use super::clients::Client;
use super::clock::Clock;
use super::disk::Disk;
use super::event::Event;
use super::faults::Fault;
use super::host::{Looks, NodeHost, SentinelHost};
use super::network::{Network, Place};
use super::queue::Queue;
use super::{World, faults};
use crate::config::Config;
use crate::counters::Counters;
use crate::invariants::Monitors;
use crate::kind::FaultKind;
use crate::ledger::Ledger;
use crate::model::{CopyFault, Files, Micros, Persistence, Settings};
use crate::mutants;
use crate::rng::Rng;
use crate::trace::Trace;
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Address, Node, Sentinel};
use holdfast_core::record::{Durability, OnLossOfQuorum, Terms};
use holdfast_core::sentinel::Persistent;
use holdfast_core::wire::Condition;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

impl World {
    /// Everything that a run begins with.
    pub fn new(seed: u64, config: &Config) -> Self {
        let mut rng = Rng::new(seed);
        let pick = |rng: &mut Rng, wanted: usize, low: u64, high: u64| {
            let drawn = rng.between(low, high) as usize;
            if wanted == 0 { drawn } else { wanted }
        };
        let nodes = pick(&mut rng, config.nodes, 2, 5);
        let five = if rng.chance(150) { 5 } else { 3 };
        let sentinels = pick(&mut rng, config.sentinels, five, five);
        let clients = pick(&mut rng, config.clients, 2, 5);
        let drifting = rng.chance(500);
        let fsync_us = *rng.pick(&[1_000, 2_000, 5_000, 30_000]).unwrap_or(&2_000);
        let (base, jitter) = *rng
            .pick(&[(50, 100), (200, 300), (500, 2_000)])
            .unwrap_or(&(50, 100));
        let terms = terms(&mut rng, config, nodes);
        let kinds = config.kinds(terms.durability);
        let mut world = Self {
            now: 0,
            nodes: (0..nodes)
                .map(|n| node(&mut rng, n, drifting, fsync_us))
                .collect(),
            sentinels: (0..sentinels)
                .map(|n| sentinel(&mut rng, n, drifting, fsync_us))
                .collect(),
            clients: (0..clients)
                .map(|_| Client::new(rng.between(5_000, 60_000)))
                .collect(),
            ledger: Ledger::default(),
            monitors: Monitors::default(),
            violations: Vec::new(),
            counters: Counters::default(),
            cache: rng.chance(300),
            terms,
            gates: terms.durability != Durability::Async,
            on_disk: terms.on_disk(),
            stranger: rng.fork(5).chance(200),
            judges_data: kinds.iter().any(|kind| kind.takes_data()),
            forced: false,
            may_go_back: false,
            quiet_since: 0,
            config: config.clone(),
            settings: kept(settings(&mut rng), terms, config.mutant),
            network: Network::new(rng.fork(1), base, jitter),
            queue: Queue::default(),
            hostile: rng
                .clone()
                .fork(17)
                .chance(200)
                .then(|| rng.clone().fork(18)),
            channels: Channels::default(),
            redis_runs: 0,
            operations: 0,
            requests: 0,
            storing: Vec::new(),
            slow_death_us: *rng.pick(&[1_000, 300_000, 1_500_000]).unwrap_or(&1_000),
            chaos: Chaos::draw(&mut rng),
            nervous_per_mille: *rng.pick(&[0, 0, 0, 40]).unwrap_or(&0),
            quiet: false,
            well_since: None,
            silent_since: None,
            ended: false,
            events: 0,
            trace: Trace::new(config.trace),
            effects: Vec::new(),
            snapshots: faults::Snapshots::default(),
            versions: None,
            rng: rng.fork(2),
        };
        if world.gates && rng.fork(6).chance(500) {
            world.clients[0] = Client::reader(rng.between(150_000, 1_500_000));
        }
        if kinds.contains(&FaultKind::MixedVersions) {
            world.run_versions(faults::Versions::draw(&mut rng.fork(9)));
        }
        world.schedule(&mut rng, &kinds);
        world
    }

    fn run_versions(&mut self, versions: faults::Versions) {
        for host in &mut self.nodes {
            host.program = Some(versions.first());
        }
        self.versions = Some(versions);
    }

    fn schedule(&mut self, rng: &mut Rng, kinds: &BTreeSet<FaultKind>) {
        let until = self.config.fault_seconds * 1_000_000;
        for (at, fault) in faults::plan(rng, self.nodes.len(), self.sentinels.len(), until) {
            self.queue.push(at, Event::Fault(fault));
        }
        if self.gates && rng.fork(4).chance(250) {
            for _ in 0..3 {
                let at = rng.between(2_000_000, until);
                let fault = Fault::ChangeTerms(some_terms(rng, self.nodes.len(), self.on_disk));
                self.queue.push(at, Event::Fault(fault));
            }
        }
        if self.on_disk {
            for _ in 0..2 {
                let at = rng.between(2_000_000, until);
                self.queue
                    .push(at, Event::Fault(Fault::PowerLossOfEverything));
            }
        }
        self.queue.push(until, Event::Quiet);
        self.queue.push(250_000, Event::KeepAlive);
        for node in 0..self.nodes.len() {
            let after = rng.between(0, 300_000);
            self.boot_later(Place::Node(node), after);
        }
        for sentinel in 0..self.sentinels.len() {
            let after = rng.between(0, 300_000);
            self.boot_later(Place::Sentinel(sentinel), after);
        }
        for client in 0..self.clients.len() {
            self.queue
                .push(rng.between(0, 500_000), Event::Client { client, number: 0 });
        }
        let size = faults::Size {
            nodes: self.nodes.len() as u64,
            sentinels: self.sentinels.len() as u64,
        };
        for (at, fault) in faults::more(&mut rng.fork(8), kinds, size, until) {
            self.queue.push(at, Event::Fault(fault));
        }
    }
}

/// What a person may ask for while the group runs.
fn some_terms(rng: &mut Rng, nodes: usize, on_disk: bool) -> Terms {
    let durability = *rng
        .pick(&[Durability::Quorum, Durability::Quorum, Durability::Async])
        .unwrap_or(&Durability::Quorum);
    Terms {
        durability: if on_disk && rng.chance(500) {
            Durability::Fsync
        } else {
            durability
        },
        ..quorum(rng, nodes)
    }
}

/// What an acknowledgement promises: drawn apart, so that it shifts nothing else.
fn terms(rng: &mut Rng, config: &Config, nodes: usize) -> Terms {
    let mut rng = rng.fork(3);
    let drawn = if rng.chance(500) {
        Durability::Quorum
    } else {
        Durability::Async
    };
    Terms {
        durability: config
            .durability
            .or(mutants::durability(config.mutant))
            .unwrap_or(drawn),
        ..quorum(&mut rng, nodes)
    }
}

fn quorum(rng: &mut Rng, nodes: usize) -> Terms {
    Terms {
        durability: Durability::Quorum,
        sync_replicas: rng.between(1, (nodes as u64 - 1).min(2)) as usize,
        on_loss_of_quorum: if rng.chance(250) {
            OnLossOfQuorum::Degrade
        } else {
            OnLossOfQuorum::Hold
        },
    }
}

/// The settings where an acknowledgement means disks.
fn kept(settings: Settings, terms: Terms, mutant: Mutant) -> Settings {
    if !terms.on_disk() {
        return settings;
    }
    Settings {
        persistence: Persistence::AppendAlways,
        answers_first: mutant == Mutant::AckBeforeFsync,
        ..settings
    }
}

fn settings(rng: &mut Rng) -> Settings {
    let persistence = *rng
        .pick(&[
            Persistence::AppendEverySecond,
            Persistence::AppendEverySecond,
            Persistence::Dump,
            Persistence::Nothing,
        ])
        .unwrap_or(&Persistence::Dump);
    let times: [Micros; 4] = [2_000, 10_000, 60_000, 400_000];
    Settings {
        persistence,
        backlog_bytes: *rng.pick(&[2_000, 100_000, 1 << 20]).unwrap_or(&100_000),
        fork_us: *rng.pick(&times).unwrap_or(&2_000),
        load_us: *rng.pick(&times).unwrap_or(&2_000),
        rewrite_us: *rng.pick(&times).unwrap_or(&2_000),
        // A quiet primary's stream may stand still for a while: then nothing but a barrier tells that nobody follows.
        ping_us: *rng.pick(&[1_000_000, 4_000_000]).unwrap_or(&1_000_000),
        ..Settings::new(Address::new("", 0))
    }
}

fn node(rng: &mut Rng, index: usize, drifting: bool, fsync_us: Micros) -> NodeHost {
    NodeHost {
        name: Node::from(format!("redis-{index}")),
        address: Address::new(format!("10.0.0.{index}"), 6379),
        program: None,
        clock: Clock::random(rng, drifting),
        rng: rng.fork(100 + index as u64),
        run: 0,
        agent: None,
        agent_frozen_until: 0,
        watchdog_frozen_until: 0,
        disk: Disk::default(),
        disk_full_until: 0,
        fsync_us,
        files: Files::default(),
        redis: None,
        corpses: BTreeMap::new(),
        channels: BTreeMap::new(),
        gate: None,
        gate_free: 0,
        running: None,
        socket_free: [0, 0],
        look_since: None,
        hung: false,
        condition: Condition::Well,
        deadline: None,
        guarding: None,
        boot_at: None,
        foreign: false,
        adopts: false,
        looks: Looks::default(),
        ended_at: 0,
        refused: false,
        aside: None,
        copies_fail: CopyFault::None,
    }
}

fn sentinel(rng: &mut Rng, index: usize, drifting: bool, fsync_us: Micros) -> SentinelHost {
    SentinelHost {
        name: Sentinel::from(format!("sentinel-{index}")),
        clock: Clock::random(rng, drifting),
        identity: format!("{:040x}", rng.bits()),
        rng: rng.fork(200 + index as u64),
        run: 0,
        core: None,
        frozen_until: 0,
        disk: Persistent::default(),
        writing: VecDeque::new(),
        disk_full_until: 0,
        fsync_us,
        disk_free_at: 0,
        agents: BTreeMap::new(),
        peers: BTreeMap::new(),
        boot_at: None,
    }
}
