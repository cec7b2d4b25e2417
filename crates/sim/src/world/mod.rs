//! The world: processes, disks and a network on one virtual time line.
//!
//! ```text
//!   Queue ──▶ Event ──▶ (frozen? later) ──▶ agent / sentinel / redis-server / client
//!     ▲                                            │
//!     └── deliveries, timers, disk, faults ◀───────┘      after each event: the invariants
//! ```
//!
//! One thread, one seed, one order of events. Every process has its own clock; every random choice
//! comes from the seed.

mod agent;
mod channel;
mod chaos;
mod clients;
mod clock;
mod disk;
mod event;
mod faults;
mod gate;
mod host;
mod network;
mod operation;
mod queue;
mod redis;
mod run;
mod sentinel;
mod setup;
mod shell;
mod watch;

pub use clients::{Asked, Client};
pub use clock::Clock;
pub use disk::Disk;
pub use gate::{Gate, Waiting};
pub use host::{NodeHost, Redis, SentinelHost};
pub use network::Place;
pub use operation::Running;
pub(crate) use sentinel::group;

use crate::config::Config;
use crate::counters::Counters;
use crate::invariants::Monitors;
use crate::ledger::Ledger;
use crate::model::{Effect, Micros, Settings};
use crate::report::Violation;
use crate::rng::Rng;
use crate::trace::Trace;
use channel::Channels;
pub use channel::Found;
use event::Event;
use holdfast_core::agent::Stored;
use holdfast_core::record::Terms;
use network::Network;
use queue::Queue;

mod transport;

/// Everything there is.
#[derive(Debug)]
pub struct World {
    /// True time.
    pub now: Micros,
    /// The nodes.
    pub nodes: Vec<NodeHost>,
    /// The sentinels.
    pub sentinels: Vec<SentinelHost>,
    /// The clients.
    pub clients: Vec<Client>,
    /// The truth about writes.
    pub ledger: Ledger,
    /// What the rules remember.
    pub monitors: Monitors,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// How often things happened.
    pub counters: Counters,
    /// The group may start empty after everything was lost.
    pub cache: bool,
    /// What the group asks for now.
    pub terms: Terms,
    /// Clients go through gates in this run.
    pub gates: bool,
    /// Every redis-server syncs its append-only file before it answers in this run.
    pub on_disk: bool,
    /// Somebody copies from each primary who is no node of the group, a backup perhaps, and acknowledges.
    pub stranger: bool,
    /// Files and positions are judged in this run: some of its faults take data away from under them.
    pub judges_data: bool,
    /// A person has given an explicit word.
    pub forced: bool,
    /// A person has asked for a handoff that may go to an older server.
    pub may_go_back: bool,
    /// When the faults ended.
    pub quiet_since: Micros,
    config: Config,
    settings: Settings,
    rng: Rng,
    queue: Queue<Event>,
    /// A client forges acknowledgements in the names of members at every gate, in ways that are drawn.
    hostile: Option<Rng>,
    network: Network,
    channels: Channels,
    redis_runs: u64,
    operations: u64,
    requests: u64,
    storing: Vec<(Micros, usize, u64, Stored)>,
    slow_death_us: Micros,
    chaos: chaos::Chaos,
    nervous_per_mille: u64,
    quiet: bool,
    well_since: Option<Micros>,
    silent_since: Option<Micros>,
    ended: bool,
    events: u64,
    trace: Trace,
    /// The two servers that nodes run, in runs with both.
    versions: Option<faults::Versions>,
    /// Copies of all volumes.
    snapshots: faults::Snapshots,
    /// A list for what servers do to the world, used again and again.
    effects: Vec<Effect>,
}
