//! What goes wrong.

mod cuts;
mod damage;
mod freeze;
mod loss;
mod more;
mod plan;
mod putback;
mod story;
mod unwell;
mod versions;

pub(super) use more::{Size, more};
pub(super) use plan::plan;
pub(super) use putback::Snapshots;
pub(super) use versions::Versions;

use super::World;
use super::chaos::Chaos;
use super::event::Event;
use super::network::Place;
use super::sentinel::group;
use crate::model::{CopyFault, Damage, Micros};
use holdfast_core::agent::AgentInput;
use holdfast_core::record::Terms;
use holdfast_core::sentinel::{Request, SentinelInput};
use putback::Part;

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
    /// The primary is cut off from nodes and sentinels for so long; clients still reach it.
    StrandPrimary(Micros),
    /// The same, but of the clients only the first one reaches it.
    StrandWithReader(Micros),
    /// The primary and this sentinel cannot reach each other for so long.
    HidePrimary(usize, Micros),
    /// The primary's disk finishes nothing for so long.
    StallPrimaryDisk(Micros),
    /// A sentinel cannot reach the other sentinels for so long; nodes still reach it.
    LeaveBehind(usize, Micros),
    /// A node and a sentinel reach each other and nobody else.
    Corner(usize, usize),
    /// The primary and this sentinel are cut off from the rest for so long; the node goes with the rest, loses its volume
    /// after a while and comes back on the primary's side.
    Desert {
        /// Who stays with the primary.
        sentinel: usize,
        /// Who changes sides; another one if it is the primary.
        node: usize,
        /// Until it does.
        stays: Micros,
        /// Until the end of it all.
        long: Micros,
    },
    /// The node loses its volume, and is back after a moment.
    Strip(usize),
    /// The primary's redis-server dies.
    KillPrimary,
    /// One direction of one pair becomes slow.
    SlowPair(Place, Place),
    /// A node's disk is full, or slow as if it were.
    FullDisk(usize),
    /// A sentinel's disk is full, or slow.
    FullSentinelDisk(usize),
    /// A person asks for a handoff.
    Handoff,
    /// A person changes what the group asks for; never in a run without gates.
    ChangeTerms(Terms),
    /// A pod is asked to stop in an orderly way, as in a rolling update.
    StopPod(usize),
    /// Two pods restart and get each other's address.
    SwapAddresses(usize, usize),
    /// A pod comes back with the data of somebody else.
    ForeignData(usize),
    /// Somebody gives redis-server an order behind its agent's back.
    Tamper(usize),
    /// Full copies that a node receives fail for so long.
    BreakCopies(usize, CopyFault, Micros),
    /// A node's redis-server dies, unless it is the primary.
    KillReplica(usize),
    /// The primary is gone for so long.
    LosePrimary(Micros),
    /// A node comes back with files that were damaged.
    Damage(usize, Damage),
    /// Every node does, with the same damage.
    DamageAll(Damage),
    /// All volumes are copied.
    TakeSnapshots,
    /// A node comes back with a part of its volume as it was.
    PutBack(usize, Part),
    /// Every node does.
    PutBackAll(Part),
    /// So many sentinels come back with the registers as they were.
    PutBackRegisters(usize),
    /// Two nodes come back with each other's data, and memory or not.
    SwapVolumes(usize, usize, bool),
    /// A client runs a script that never ends; whether it writes first.
    Script(usize, bool),
    /// A client pauses redis-server for so long.
    PauseClients(usize, Micros),
    /// The newer program is installed on a node, or the older one; whether the node is stopped in order for that.
    Install(usize, bool, bool),
    /// A person asks for a handoff to this node, also to an older server.
    HandBack(usize),
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
    /// Full copies work again.
    MendCopies(usize),
    /// These cuts end, and those begin, until then.
    Swap {
        /// What ends.
        healed: Vec<(Place, Place)>,
        /// What begins.
        cut: Vec<(Place, Place)>,
        /// Until.
        until: Micros,
    },
}

impl World {
    /// The node that serves now, half of the time: faults that hit it are the interesting ones.
    fn aim(&mut self, node: usize) -> usize {
        self.serving()
            .filter(|_| self.rng.chance(400))
            .unwrap_or(node)
    }

    /// The node that accepts writes; while there is none, one that is a primary.
    fn serving(&self) -> Option<usize> {
        let is_primary = |node: &usize| {
            let redis = self.nodes[*node].redis.as_ref();
            redis.is_some_and(|redis| redis.server.is_primary())
        };
        let all = || 0..self.nodes.len();
        all()
            .find(|node| self.accepts(*node))
            .or_else(|| all().find(is_primary))
    }

    /// How long a fault lasts. As a rule about as long as leases and judgements do, for that is where
    /// a process comes back while the others decide what to do without it.
    fn duration(&mut self) -> Micros {
        if self.rng.chance(500) {
            self.rng.between(50_000, 800_000)
        } else {
            self.rng.between(1, 40) * 50_000
        }
    }

    /// Makes it happen.
    pub(super) fn on_fault(&mut self, fault: Fault) {
        if self.quiet {
            return;
        }
        self.trace.line(self.now, || format!("FAULT {fault:?}"));
        let long = self.duration();
        let until = self.now + long;
        match fault {
            Fault::KillRedis(node) => {
                let node = self.aim(node);
                self.kill_redis(node, "crashed");
            }
            Fault::KillPrimary => {
                if let Some(node) = self.serving() {
                    self.kill_redis(node, "crashed");
                }
            }
            Fault::StrandPrimary(long)
            | Fault::StrandWithReader(long)
            | Fault::HidePrimary(_, long)
            | Fault::LeaveBehind(_, long) => self.cut(&fault, self.now + long),
            Fault::KillPod(node) => {
                let node = self.aim(node);
                self.kill_pod(node, "killed");
                self.boot_later(Place::Node(node), long);
            }
            Fault::PowerLoss(node) => {
                let node = self.aim(node);
                self.power_loss(node);
                self.boot_later(Place::Node(node), long);
            }
            Fault::LoseVolume(node) => {
                let node = self.aim(node);
                self.lose_volume(node, long);
            }
            Fault::Strip(node) => self.lose_volume(node, 20_000),
            Fault::Desert {
                sentinel,
                node,
                stays,
                long,
            } => self.desert(sentinel, node, stays, long),
            Fault::PowerLossOfAll => self.power_loss_of_all(),
            Fault::PowerLossOfEverything => {
                self.power_loss_of_all();
                for sentinel in 0..self.sentinels.len() {
                    self.kill_sentinel(sentinel);
                    let after = self.rng.between(1, 60) * 50_000;
                    self.boot_later(Place::Sentinel(sentinel), after);
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
                self.boot_later(Place::Sentinel(sentinel), long);
            }
            Fault::WipeSentinel(sentinel) => {
                if self.all_sentinels_settled() {
                    self.counters.hit("sentinel lost its disk");
                    self.wipe_sentinel(sentinel);
                    self.boot_later(Place::Sentinel(sentinel), long);
                }
            }
            Fault::FullDisk(node) => self.nodes[node].disk_full_until = until,
            Fault::ChangeTerms(terms) => self.change_terms(terms),
            Fault::StallPrimaryDisk(long) => {
                if let Some(node) = self.serving() {
                    self.nodes[node].disk_full_until = self.now + long;
                }
            }
            Fault::FullSentinelDisk(sentinel) => self.sentinels[sentinel].disk_full_until = until,
            freeze @ (Fault::FreezeRedis(_)
            | Fault::FreezeAgent(_)
            | Fault::FreezePod(_)
            | Fault::FreezeSentinel(_)
            | Fault::FreezeAll) => self.freeze(&freeze, until),
            cut @ (Fault::Isolate(..)
            | Fault::Split(_)
            | Fault::CutPair(..)
            | Fault::CutReplication
            | Fault::Corner(..)
            | Fault::SlowPair(..)) => self.cut(&cut, until),
            more => self.on_more(&more, long),
        }
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

    /// The faults are over: everything works again.
    pub(super) fn on_quiet(&mut self) {
        let now = self.now;
        self.quiet = true;
        self.quiet_since = now;
        self.network.heal_all();
        self.flush_all();
        self.chaos = Chaos::NONE;
        (0..self.nodes.len()).for_each(|node| self.copies_fail(node, CopyFault::None));
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
