//! What goes wrong, and when. Each seed uses a random subset of the kinds (swarm testing), so that one
//! kind does not hide what another would bring to light.

use super::World;
use super::event::Event;
use super::network::Place;
use super::sentinel::group;
use crate::model::{Command, Files, Micros};
use crate::rng::Rng;
use holdfast_core::agent::AgentInput;
use holdfast_core::names::Address;
use holdfast_core::sentinel::{Request, SentinelInput};

/// One fault, or something that a person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// redis-server dies.
    KillRedis(usize),
    /// The pod dies and comes back on the same disk.
    KillPod(usize),
    /// The pod's machine loses power: what was not synced may be gone.
    PowerLoss(usize),
    /// The pod comes back on an empty volume.
    LoseVolume(usize),
    /// Every pod loses power at once.
    PowerLossOfAll,
    /// Every pod and every sentinel loses power at once.
    PowerLossOfEverything,
    /// SIGSTOP of redis-server alone.
    FreezeRedis(usize),
    /// SIGSTOP of the agent alone.
    FreezeAgent(usize),
    /// The whole pod, watchdog included, stands still.
    FreezePod(usize),
    /// SIGSTOP of a sentinel.
    FreezeSentinel(usize),
    /// Everything stands still.
    FreezeAll,
    /// A sentinel dies and comes back.
    KillSentinel(usize),
    /// A sentinel comes back on an empty volume.
    WipeSentinel(usize),
    /// A place is cut off from all others, or (one way) only hears or only speaks.
    Isolate(Place, Way),
    /// The places are split in two.
    Split(u64),
    /// One pair of places is cut.
    CutPair(Place, Place, Way),
    /// Replication between all nodes is cut; sentinels are reached.
    CutReplication,
    /// One direction of one pair becomes slow.
    SlowPair(Place, Place),
    /// A node's disk is full, or slow as if it were.
    FullDisk(usize),
    /// A sentinel's disk is full, or slow.
    FullSentinelDisk(usize),
    /// A person asks for a handoff.
    Handoff,
    /// A pod is asked to stop in an orderly way, as in a rolling update.
    StopPod(usize),
    /// Two pods restart and get each other's address.
    SwapAddresses(usize, usize),
    /// A pod comes back with the data of somebody else.
    ForeignData(usize),
    /// Somebody gives redis-server an order behind its agent's back.
    Tamper(usize),
}

/// Which directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Both.
    Both,
    /// Nothing leaves.
    Out,
    /// Nothing comes in.
    In,
}

/// The end of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Undo {
    /// These cuts end.
    Heal(Vec<(Place, Place)>),
    /// This direction is quick again.
    Quicken(Place, Place),
}

const KINDS: usize = 26;

/// The faults of a run, in the order of their time.
pub(super) fn plan(
    rng: &mut Rng,
    nodes: usize,
    sentinels: usize,
    until: Micros,
) -> Vec<(Micros, Fault)> {
    let kinds: Vec<usize> = (0..KINDS).filter(|_| rng.chance(250)).collect();
    let mut faults = Vec::new();
    let mean = rng.between(300_000, 3_000_000);
    let mut at = 500_000 + rng.between(0, 2_500_000);
    while at < until {
        let kind = rng.pick(&kinds).copied();
        if kind == Some(KINDS - 1) {
            faults.extend(divergence(rng, at));
        } else if let Some(kind) = kind {
            faults.push((at, draw(rng, kind, nodes as u64, sentinels as u64)));
        }
        at += rng.between(1_000, 2 * mean);
    }
    faults
}

/// The old primary goes on alone, comes back without having met the new one, and that one dies.
fn divergence(rng: &mut Rng, at: Micros) -> [(Micros, Fault); 3] {
    let (cut, kill) = (
        rng.between(200_000, 900_000),
        rng.between(1_000_000, 2_500_000),
    );
    [
        (at, Fault::Isolate(Place::Node(0), Way::Both)),
        (at + cut, Fault::CutReplication),
        (at + kill, Fault::KillPod(0)),
    ]
}

fn draw(rng: &mut Rng, kind: usize, nodes: u64, sentinels: u64) -> Fault {
    let node = rng.below(nodes) as usize;
    let sentinel = rng.below(sentinels) as usize;
    let (a, b) = (place(rng, nodes, sentinels), place(rng, nodes, sentinels));
    let way = *rng
        .pick(&[Way::Both, Way::Both, Way::Out, Way::In])
        .unwrap_or(&Way::Both);
    match kind {
        0 | 1 => Fault::KillRedis(node),
        2 => Fault::KillPod(node),
        3 => Fault::PowerLoss(node),
        4 => Fault::LoseVolume(node),
        5 if rng.chance(500) => Fault::PowerLossOfAll,
        5 => Fault::PowerLossOfEverything,
        6 => Fault::FreezeRedis(node),
        7 => Fault::FreezeAgent(node),
        8 => Fault::FreezePod(node),
        9 => Fault::FreezeSentinel(sentinel),
        10 => Fault::FreezeAll,
        11 | 12 => Fault::KillSentinel(sentinel),
        13 => Fault::WipeSentinel(sentinel),
        14 => Fault::Isolate(Place::Node(node), way),
        15 => Fault::Isolate(Place::Sentinel(sentinel), way),
        16 => Fault::Split(rng.bits()),
        17 => Fault::CutPair(a, b, way),
        18 => Fault::CutReplication,
        19 => Fault::SlowPair(a, b),
        20 if rng.chance(500) => Fault::FullDisk(node),
        20 => Fault::FullSentinelDisk(sentinel),
        21 => Fault::Handoff,
        22 => Fault::StopPod(node),
        23 => Fault::SwapAddresses(node, rng.below(nodes) as usize),
        _ if rng.chance(500) => Fault::ForeignData(node),
        _ => Fault::Tamper(node),
    }
}

fn place(rng: &mut Rng, nodes: u64, sentinels: u64) -> Place {
    let index = rng.below(nodes + sentinels);
    if index < nodes {
        Place::Node(index as usize)
    } else {
        Place::Sentinel((index - nodes) as usize)
    }
}

impl World {
    /// The node that serves now, half of the time: faults that hit it are the interesting ones.
    fn aim(&mut self, node: usize) -> usize {
        let serving = self
            .nodes
            .iter()
            .position(|host| host.redis.as_ref().is_some_and(|r| r.server.is_primary()));
        serving.filter(|_| self.rng.chance(400)).unwrap_or(node)
    }

    /// Makes it happen.
    pub(super) fn on_fault(&mut self, fault: Fault) {
        if self.quiet {
            return;
        }
        self.trace.line(self.now, || format!("FAULT {fault:?}"));
        let long = self.rng.between(1, 40) * 50_000;
        let until = self.now + long;
        match fault {
            Fault::KillRedis(node) => {
                let node = self.aim(node);
                self.kill_redis(node, "crashed");
            }
            Fault::KillPod(node) => {
                let node = self.aim(node);
                self.kill_pod(node, "killed");
                self.boot_later(node, long);
            }
            Fault::PowerLoss(node) => {
                let node = self.aim(node);
                self.power_loss(node);
                self.boot_later(node, long);
            }
            Fault::LoseVolume(node) => {
                let node = self.aim(node);
                self.lose_volume(node, long);
            }
            Fault::PowerLossOfAll => self.power_loss_of_all(),
            Fault::PowerLossOfEverything => {
                self.power_loss_of_all();
                for sentinel in 0..self.sentinels.len() {
                    self.kill_sentinel(sentinel);
                    let after = self.rng.between(1, 60) * 50_000;
                    self.boot_sentinel_later(sentinel, after);
                }
            }
            Fault::StopPod(node) => {
                let node = self.aim(node);
                let within = self.rng.between(200, 3_000);
                self.counters.hit("orderly stop");
                self.agent_step(
                    node,
                    AgentInput::Stop {
                        handoff: true,
                        within,
                    },
                );
            }
            Fault::Handoff => self.ask_handoff(),
            Fault::SwapAddresses(a, b) => self.swap_addresses(a, b),
            Fault::ForeignData(node) => self.foreign_data(node),
            Fault::Tamper(node) => self.tamper(node),
            Fault::KillSentinel(sentinel) => {
                self.kill_sentinel(sentinel);
                self.boot_sentinel_later(sentinel, long);
            }
            Fault::WipeSentinel(sentinel) => {
                if self.all_sentinels_settled() {
                    self.counters.hit("sentinel lost its disk");
                    self.wipe_sentinel(sentinel);
                    self.boot_sentinel_later(sentinel, long);
                }
            }
            Fault::FullDisk(node) => self.nodes[node].disk_full_until = until,
            Fault::FullSentinelDisk(sentinel) => self.sentinels[sentinel].disk_full_until = until,
            freeze @ (Fault::FreezeRedis(_)
            | Fault::FreezeAgent(_)
            | Fault::FreezePod(_)
            | Fault::FreezeSentinel(_)
            | Fault::FreezeAll) => self.freeze(&freeze, until),
            cut => self.cut(&cut, until),
        }
    }

    fn freeze(&mut self, fault: &Fault, until: Micros) {
        match fault {
            Fault::FreezeRedis(node) => {
                let node = self.aim(*node);
                self.freeze_redis(node, until, false);
            }
            Fault::FreezeAgent(node) => {
                let node = self.aim(*node);
                stop(&mut self.nodes[node].agent_frozen_until, self.now, until);
            }
            Fault::FreezePod(node) => {
                let node = self.aim(*node);
                self.freeze_pod(node, until);
            }
            Fault::FreezeSentinel(sentinel) => {
                stop(&mut self.sentinels[*sentinel].frozen_until, self.now, until);
            }
            _ => {
                (0..self.nodes.len()).for_each(|node| self.freeze_pod(node, until));
                let now = self.now;
                self.sentinels
                    .iter_mut()
                    .for_each(|host| stop(&mut host.frozen_until, now, until));
            }
        }
    }

    /// Agent and watchdog never stand still for longer than their redis-server: nobody would close it.
    fn freeze_pod(&mut self, node: usize, until: Micros) {
        let now = self.now;
        self.freeze_redis(node, until, true);
        let late = self.rng.below(5_000);
        let host = &mut self.nodes[node];
        let until = host
            .redis
            .as_ref()
            .map_or(until, |redis| redis.frozen_until);
        stop(&mut host.agent_frozen_until, now, until + late);
        stop(&mut host.watchdog_frozen_until, now, until + late);
    }

    fn freeze_redis(&mut self, node: usize, until: Micros, whole: bool) {
        let now = self.now;
        if let Some(redis) = self.nodes[node].redis.as_mut() {
            stop(&mut redis.frozen_until, now, until);
            if whole {
                redis.thawed_at = Some(redis.frozen_until);
            }
        }
    }

    fn cut(&mut self, fault: &Fault, until: Micros) {
        let places = self.places();
        let pairs: Vec<(Place, Place)> = match fault {
            Fault::Isolate(place, way) => {
                let place = match place {
                    Place::Node(node) => Place::Node(self.aim(*node)),
                    other => *other,
                };
                places
                    .iter()
                    .filter(|other| **other != place)
                    .flat_map(|o| directions(place, *o, *way))
                    .collect()
            }
            Fault::CutPair(a, b, way) if a != b => directions(*a, *b, *way),
            Fault::Split(bits) => split(&places, *bits),
            Fault::CutReplication => {
                let nodes = || (0..self.nodes.len()).map(Place::Node);
                nodes()
                    .flat_map(|a| nodes().filter(move |b| a != *b).map(move |b| (a, b)))
                    .collect()
            }
            Fault::SlowPair(a, b) if a != b => {
                let by = self.rng.between(5, 400) * 1_000;
                self.network.slow_down(*a, *b, by);
                self.queue.push(until, Event::Undo(Undo::Quicken(*a, *b)));
                return;
            }
            _ => return,
        };
        for (from, to) in &pairs {
            self.network.cut(*from, *to);
        }
        self.queue.push(until, Event::Undo(Undo::Heal(pairs)));
    }

    pub(super) fn on_undo(&mut self, undo: &Undo) {
        match undo {
            Undo::Heal(pairs) => {
                if !self.quiet {
                    for (from, to) in pairs {
                        self.network.heal(*from, *to);
                    }
                    self.flush_all();
                }
            }
            Undo::Quicken(from, to) => self.network.slow_down(*from, *to, 0),
        }
    }

    fn power_loss(&mut self, node: usize) {
        self.kill_pod(node, "lost its power");
        let host = &mut self.nodes[node];
        let kept = host.rng.below(20) as usize;
        host.files.lose_power(kept);
        let mut rng = host.rng.fork(1);
        host.disk.lose_power(&mut rng);
        self.storing.retain(|(_, other, ..)| *other != node);
    }

    fn power_loss_of_all(&mut self) {
        self.counters.hit("power loss of all nodes");
        for node in 0..self.nodes.len() {
            self.power_loss(node);
            let after = self.rng.between(1, 60) * 50_000;
            self.boot_later(node, after);
        }
    }

    fn lose_volume(&mut self, node: usize, after: Micros) {
        self.counters.hit("node reborn empty");
        self.kill_pod(node, "lost its volume");
        self.storing.retain(|(_, other, ..)| *other != node);
        let host = &mut self.nodes[node];
        host.files = Files::default();
        host.disk = super::disk::Disk::default();
        host.foreign = false;
        self.boot_later(node, after);
    }

    fn ask_handoff(&mut self) {
        let sentinel = self.rng.below(self.sentinels.len() as u64) as usize;
        self.counters.hit("handoff asked");
        let to = self.rng.below(2 * self.nodes.len() as u64) as usize;
        let to = self.nodes.get(to).map(|host| host.name.clone());
        self.requests += 1;
        let input = SentinelInput::Ask {
            id: self.requests,
            group: group(),
            request: Request::Handoff(to),
        };
        if self.sentinels[sentinel].frozen_until <= self.now {
            self.sentinel_step(sentinel, input);
        }
    }

    fn swap_addresses(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        self.counters.hit("address reused");
        for node in [a, b] {
            self.kill_pod(node, "rescheduled");
            let after = self.rng.between(1, 30) * 50_000;
            self.boot_later(node, after);
        }
        let first: Address = self.nodes[a].address.clone();
        self.nodes[a].address = std::mem::replace(&mut self.nodes[b].address, first);
    }

    /// One stranger among at least two others: were all of them foreign, nothing could be served.
    fn foreign_data(&mut self, node: usize) {
        if self.nodes.len() < 3 || self.nodes.iter().any(|host| host.foreign) {
            return;
        }
        self.counters.hit("foreign data");
        self.lose_volume(node, 300_000);
        let values: Vec<u64> = (0..5).map(|n| crate::ledger::FOREIGN + n).collect();
        let image = crate::model::Image {
            data: std::sync::Arc::new(values.clone()),
            position: None,
        };
        let host = &mut self.nodes[node];
        host.foreign = true;
        host.files = Files {
            dump: Some(image),
            synced: values.len(),
            log: Some(values),
        };
    }

    fn tamper(&mut self, node: usize) {
        let now = self.now;
        self.counters.hit("tampered");
        let command = if self.rng.chance(500) {
            Command::ReplicaOf(None)
        } else {
            Command::ReplicaOf(Some(super::operation::nowhere()))
        };
        let frozen = self.nodes[node]
            .redis
            .as_ref()
            .is_none_or(|redis| redis.frozen_until > now);
        if !frozen {
            let _ = self.with_redis(node, |server| server.command(now, command));
        }
    }

    /// One lost disk at a time is what a set of sentinels can bear.
    fn all_sentinels_settled(&self) -> bool {
        let version = |host: &super::host::SentinelHost| {
            host.core
                .as_ref()
                .filter(|core| core.votes())
                .map(|core| core.voters().version)
        };
        let first = self.sentinels.first().and_then(version);
        first.is_some_and(|v| v > 0) && self.sentinels.iter().all(|host| version(host) == first)
    }

    fn places(&self) -> Vec<Place> {
        let nodes = (0..self.nodes.len()).map(Place::Node);
        let sentinels = (0..self.sentinels.len()).map(Place::Sentinel);
        nodes
            .chain(sentinels)
            .chain((0..self.clients.len()).map(Place::Client))
            .collect()
    }

    /// The faults are over: everything works again.
    pub(super) fn on_quiet(&mut self) {
        let now = self.now;
        self.quiet = true;
        self.quiet_since = now;
        self.network.heal_all();
        self.flush_all();
        self.peer_chaos_per_mille = 0;
        self.nodes
            .iter_mut()
            .for_each(|host| host.disk_full_until = host.disk_full_until.min(now));
        self.sentinels
            .iter_mut()
            .for_each(|host| host.disk_full_until = host.disk_full_until.min(now));
        self.trace.line(now, || "the faults are over".to_owned());
        self.queue.push(now + 500_000, Event::Inspect);
    }
}

/// SIGSTOP; who is stopped already stays so for as long as was said before, so that what waits for it
/// keeps its order.
fn stop(frozen_until: &mut Micros, now: Micros, until: Micros) {
    if *frozen_until <= now {
        *frozen_until = until;
    }
}

fn directions(place: Place, other: Place, way: Way) -> Vec<(Place, Place)> {
    match way {
        Way::Both => vec![(place, other), (other, place)],
        Way::Out => vec![(place, other)],
        Way::In => vec![(other, place)],
    }
}

fn split(places: &[Place], bits: u64) -> Vec<(Place, Place)> {
    let side = |index: usize| bits >> (index % 64) & 1;
    let all = || places.iter().enumerate();
    all()
        .flat_map(|(i, a)| {
            all()
                .filter(move |(j, _)| side(i) != side(*j))
                .map(move |(_, b)| (*a, *b))
        })
        .collect()
}
