//! The hosts: pods of nodes, and sentinels.

use super::channel::ChannelId;
use super::clock::Clock;
use super::disk::Disk;
use super::gate::{Gate, Waiting};
use super::operation::Running;
use crate::model::{CopyFault, Files, Micros, Server};
use crate::rng::Rng;
use holdfast_core::agent::{Agent, DataAtStart, ServerInfo, Stored};
use holdfast_core::names::{Address, Epoch, Incarnation, Node, Sentinel};
use holdfast_core::sentinel::{Persistent, SentinelCore, Written};
use holdfast_core::server_version::ServerVersion;
use holdfast_core::wire::{Condition, PeerMessage};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What the agent's regular looks at redis-server remember.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// What was seen last.
    pub seen: ServerInfo,
    /// When all was seen last.
    pub all_at: Option<Micros>,
    /// An operation has ended since.
    pub done: bool,
    /// Copies that failed, by the log as it was read last.
    pub copies_failed: u32,
}

/// A redis-server process.
#[derive(Debug)]
pub struct Redis {
    /// The process.
    pub server: Server,
    /// Its `run_id`, as its agent reads it.
    pub incarnation: Incarnation,
    /// Number of this run, unique in a run of the world.
    pub run: u64,
    /// It answers nothing before.
    pub up: bool,
    /// What was on disk before it was started.
    pub found: DataAtStart,
    /// SIGSTOP until.
    pub frozen_until: Micros,
    /// When it was last thawed together with its agent and watchdog; what it does before they can stop
    /// it is a known gap of `async`.
    pub thawed_at: Option<Micros>,
    /// When the next tick is due, so that ticks do not pile up.
    pub tick_at: Micros,
    /// Replication links: number to connection.
    pub links: BTreeMap<u64, ChannelId>,
    /// Client connections.
    pub clients: BTreeSet<ChannelId>,
    /// Barriers of the gate that wait for acknowledgements or for the end of a pause, the oldest first.
    pub waits: Vec<Waiting>,
    /// Epoch for which it was opened to writes last.
    pub opened_for: Epoch,
    /// It has been in step with a primary, or has been one.
    pub was_in_step: bool,
    /// Somebody else has given it a role.
    pub tampered: bool,
    /// A client has paused it: it answers nothing on ordinary connections before.
    pub silent_until: Micros,
}

impl Redis {
    /// Whether a client's pause lasts.
    pub fn is_silent(&self, now: Micros) -> bool {
        self.silent_until > now
    }
}

/// A pod: agent, watchdog, redis-server, one volume.
#[derive(Debug)]
pub struct NodeHost {
    /// Its stable name.
    pub name: Node,
    /// Where it is reached now.
    pub address: Address,
    /// The program that is installed as its redis-server, in runs where that counts.
    pub program: Option<ServerVersion>,
    /// Its clock.
    pub clock: Clock,
    /// Randomness for its processes.
    pub rng: Rng,
    /// Number of the agent's run; grows with every start of the pod.
    pub run: u64,
    /// The agent, while the pod runs.
    pub agent: Option<Agent>,
    /// SIGSTOP of the agent until.
    pub agent_frozen_until: Micros,
    /// SIGSTOP of the watchdog until.
    pub watchdog_frozen_until: Micros,
    /// The agent's file.
    pub disk: Disk<Stored>,
    /// A full disk finishes nothing before.
    pub disk_full_until: Micros,
    /// How long an fsync takes at most.
    pub fsync_us: Micros,
    /// The data directory, while no redis-server runs.
    pub files: Files,
    /// redis-server.
    pub redis: Option<Redis>,
    /// Dead processes whose sockets are still open: run to connections.
    pub corpses: BTreeMap<u64, Vec<ChannelId>>,
    /// Connections to sentinels.
    pub channels: BTreeMap<usize, ChannelId>,
    /// The gate of the agent, in runs that have gates.
    pub gate: Option<Gate>,
    /// Answers of redis-server to its gate may not overtake each other.
    pub gate_free: Micros,
    /// What the agent is doing to redis-server.
    pub running: Option<Running>,
    /// The next answer or command on the agent's socket may not overtake the last.
    pub socket_free: [Micros; 2],
    /// When the look that is not yet answered was taken.
    pub look_since: Option<Micros>,
    /// The agent was told that redis-server hangs.
    pub hung: bool,
    /// What the agent was told that keeps redis-server from serving.
    pub condition: Condition,
    /// The watchdog's deadline, in the pod's milliseconds.
    pub deadline: Option<u64>,
    /// The run of redis-server that the watchdog has ordered to refuse writes, and that has not answered.
    pub guarding: Option<u64>,
    /// The pod comes back at this time.
    pub boot_at: Option<Micros>,
    /// Its data was put there by somebody else.
    pub foreign: bool,
    /// A person started its agent with `--adopt`: what lies on its volume is the group's.
    pub adopts: bool,
    /// What looks at redis-server have seen.
    pub looks: Looks,
    /// When its redis-server ended last.
    pub ended_at: Micros,
    /// Its agent would not start redis-server on its files.
    pub refused: bool,
    /// Files that its agent has set aside, the newest.
    pub aside: Option<Files>,
    /// How full copies that it receives fail just now.
    pub copies_fail: CopyFault,
}

/// A sentinel process and its volume.
#[derive(Debug)]
pub struct SentinelHost {
    /// Its stable name.
    pub name: Sentinel,
    /// Its clock.
    pub clock: Clock,
    /// Randomness for it.
    pub rng: Rng,
    /// Number of its run.
    pub run: u64,
    /// The process.
    pub core: Option<SentinelCore>,
    /// SIGSTOP until.
    pub frozen_until: Micros,
    /// What is on disk.
    pub disk: Persistent,
    /// The identity that the disk gives it.
    pub identity: String,
    /// Writes on their way to the disk, with what may be said after.
    pub writing: VecDeque<(Written, Vec<(Sentinel, PeerMessage)>)>,
    /// A full disk finishes nothing before.
    pub disk_full_until: Micros,
    /// How long an fsync takes at most.
    pub fsync_us: Micros,
    /// When the last write will be on disk.
    pub disk_free_at: Micros,
    /// Connections to agents by node.
    pub agents: BTreeMap<usize, ChannelId>,
    /// Connections to the others.
    pub peers: BTreeMap<usize, ChannelId>,
    /// It comes back at this time.
    pub boot_at: Option<Micros>,
}
