//! What goes into an agent and what comes out.

use super::Decision;
use crate::dataset::{Files, Noted};
use crate::gate::GateOrder;
use crate::names::{Address, Epoch, Incarnation, Node, Sentinel};
use crate::position::Position;
use crate::server_version::ServerVersion;
use crate::stamp::Stamp;
use crate::time::Millis;
use crate::wire::{Condition, FromSentinel, Report};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What an agent is told at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Name of the node.
    pub node: Node,
    /// Where clients and replicas reach its redis-server.
    pub address: Address,
    /// Preference between equal positions; lower wins, 0 is never chosen.
    pub priority: u32,
    /// Whether what its redis-server acknowledges is on its disk (`fsync`).
    pub on_disk: bool,
    /// Whether a redis-server that ended is started again.
    pub restart: bool,
    /// Milliseconds after which a script or function that runs is ended; 0: never.
    pub script_limit: Millis,
    /// Milliseconds for which a client's pause is waited out: [`crate::limits::PAUSE_WAITED`].
    pub pause_limit: Millis,
    /// Whether its clients come through a gate that tells when it is drained.
    pub gated: bool,
    /// Name and number of the program that is run as its redis-server, if known.
    pub server: Option<ServerVersion>,
    /// A bug to plant, for the simulator's self-test.
    pub mutant: crate::mutant::Mutant,
}

/// What an agent keeps on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stored {
    /// Nothing of an older epoch is obeyed.
    pub promised: Epoch,
    /// The data beside it belongs to this group.
    pub member: bool,
    /// How far the data reached when last noted.
    pub position: Option<Position>,
    /// What it was noted for. Only data that are that, or its continuation, reach so far. None by an older version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<Box<Noted>>,
    /// The newest note of files that a loss of power cannot take any more. None until there are such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noted: Option<Noted>,
    /// The incarnations whose acknowledgements are all in the data beside it, in `fsync`.
    pub disk: BTreeSet<Incarnation>,
}

impl Stored {
    /// The newest note there is.
    pub fn newest_note(&self) -> Option<&Noted> {
        self.latest.as_deref().or(self.noted.as_ref())
    }
}

/// What was found on disk before redis-server was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataAtStart {
    /// No data set at all.
    pub blank: bool,
    /// A data set without a key: nothing is lost with it.
    pub keyless: bool,
    /// A data set, and no memory of having belonged to this group.
    pub foreign: bool,
    /// The files are not all that the incarnation before acknowledged: no append-only file, or a copy that had not been
    /// written out.
    pub unfinished: bool,
    /// The files, to be compared with those for which the position was noted.
    pub files: Files,
    /// As in [`crate::dataset::Found`].
    pub noted_tail: Option<u64>,
    /// The same for the latest note.
    pub latest_tail: Option<u64>,
}

/// What redis-server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerInfo {
    /// `run_id`.
    pub incarnation: Incarnation,
    /// `role:master`.
    pub is_master: bool,
    /// `master_replid`.
    pub replid: String,
    /// `master_replid2`, the name that the data had before, and up to which offset it counts (`second_repl_offset` is the next).
    pub before: Option<(String, u64)>,
    /// Bytes applied: `master_repl_offset` of a master, `slave_repl_offset` of a replica.
    pub offset: u64,
    /// `master_link_status:up`.
    pub link_up: bool,
    /// A full copy from the primary is under way.
    pub syncing: bool,
    /// A master that refuses writes: its fence is closed.
    pub fenced: bool,
    /// Replicas that are connected to it.
    pub replicas: usize,
    /// Reading its data set.
    pub loading: bool,
    /// What it has is on disk as well, as far as its persistence goes: no rewrite after a full copy is under way.
    pub persisted: bool,
    /// Every change is in its append-only file before it is answered, and no earlier one is missing there: the end of the
    /// process loses nothing, though the loss of power may.
    pub logged: bool,
    /// Every change is on disk before it is answered or acknowledged, and no earlier one is missing there.
    pub on_disk: bool,
    /// The files of its data set, where this look looked at them. They hold at least what it tells of itself here.
    pub files: Option<Files>,
    /// Milliseconds after which a loss of power takes nothing of these files any more; none where that is unknown now.
    pub settles_in: Option<Millis>,
    /// It is to write an append-only file and does not. A copy of a primary that takes the place of its data ends it.
    pub log_off: bool,
    /// The stamp in its data, if it was looked for and is there.
    pub stamp: Option<Stamp>,
    /// It cannot write its files, and therefore refuses writes.
    pub ailing: bool,
    /// Keys in all databases.
    pub keys: u64,
    /// The offset at which they were counted.
    pub keys_at: u64,
    /// Bytes used.
    pub memory_bytes: u64,
    /// Its name and number.
    pub server: Option<ServerVersion>,
}

impl ServerInfo {
    /// What is known after a glance, a look at replication alone: all else is as this look, the latest, told. A link that has
    /// come up since may have brought a copy.
    #[must_use]
    pub fn after(&self, glance: Self) -> Self {
        let same_link = self.link_up == glance.link_up;
        Self {
            is_master: glance.is_master,
            replid: glance.replid,
            before: glance.before,
            offset: glance.offset,
            link_up: glance.link_up,
            syncing: glance.syncing,
            fenced: glance.fenced,
            replicas: glance.replicas,
            on_disk: self.on_disk && same_link,
            persisted: self.persisted && same_link,
            logged: self.logged && same_link,
            files: None,
            ..self.clone()
        }
    }
}

/// Something to do on redis-server. One at a time; each is answered by [`AgentInput::Done`], save the
/// two that end the process, whose answer is [`AgentInput::Died`], and `Start`, whose answer is
/// [`AgentInput::Started`], [`AgentInput::Refused`] or [`AgentInput::Died`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Start redis-server: sealed and fenced.
    Start,
    /// Refuse writes, cut replication, disconnect clients if it was a master; then look.
    Seal,
    /// Hold writes back for [`crate::limits::PAUSE_MAX`]; then look.
    Pause,
    /// Become a master that refuses writes; then look.
    Promote,
    /// Follow this address; then look.
    Follow(Address),
    /// Accept writes.
    Open,
    /// Refuse writes.
    Fence,
    /// End the script or function that it runs, if any; then look. What went wrong tells `UNKILLABLE` where redis-server
    /// refuses because the script has written.
    EndScript,
    /// End it at once, also if it is frozen.
    Kill,
    /// End it cleanly.
    Stop,
}

/// What may happen to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentInput {
    /// Time has passed. At least every 20 ms.
    Tick,
    /// A connection to a sentinel stands.
    Linked(Sentinel),
    /// It ended.
    Unlinked(Sentinel),
    /// A sentinel said something.
    Sentinel(Sentinel, FromSentinel),
    /// redis-server answers for the first time; what was on disk before it was started.
    Started(ServerInfo, DataAtStart),
    /// redis-server has ended in order, and these are its files: they hold all that it held. Told before [`Self::Died`].
    Rested(Files),
    /// redis-server has ended, and why.
    Died(String),
    /// redis-server was not started: why it must not be, on the files that are there
    /// ([`crate::dataset::DataFolder::refusal`]).
    Refused(String),
    /// Where the data were set aside, as [`AgentOutput::SetAside`] asked; or why they were not.
    SetAside(Result<String, String>),
    /// redis-server lives and does not answer; in what state it is.
    Hung(String),
    /// Somebody let clients write to redis-server even where it is a replica; that has ended.
    Writable,
    /// It answers again.
    Recovered,
    /// It lives, and this keeps it from serving, or does not any more. Told whenever it changes.
    Condition {
        /// What it is.
        condition: Condition,
        /// Milliseconds for which it has been so already.
        for_ms: Millis,
    },
    /// A fresh look.
    Info(ServerInfo),
    /// A fresh look at replication alone ([`ServerInfo::after`]): in the rest of it there is nothing.
    Glance(ServerInfo),
    /// redis-server says that it could not load a copy, or that one broke off, and why. Told before the look that may show it.
    CopyFailed(String),
    /// An operation has ended: with a look at redis-server, or with what went wrong.
    Done(Operation, Result<ServerInfo, String>),
    /// A promise of this epoch is on disk.
    Stored(Epoch),
    /// From the gate: everything that it has released, and the start of this reign, is acknowledged under the rule that
    /// this version of the record set; that rule is the one that it enforces.
    Confirmed {
        /// As in [`crate::gate::Hold`].
        version: u64,
    },
    /// From the gate: the members of the sync set that hold replies back just now.
    Lagging(BTreeSet<Node>),
    /// From the gate, while it is paused: whatever was asked is answered and released, as far as that can be waited for.
    Drained,
    /// The gate has seen that redis-server, by which it held replies in this epoch, is no master: it releases nothing more.
    Deposed(Epoch),
    /// Please end: after a handoff if so wished, in this many milliseconds at most.
    Stop {
        /// Hand over first if this is the primary.
        handoff: bool,
        /// Milliseconds that it may take.
        within: Millis,
    },
}

/// What an agent wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentOutput {
    /// Tell every linked sentinel.
    Broadcast(Box<Report>),
    /// Write this to disk. With `durable`, fsync and answer [`AgentInput::Stored`].
    Store {
        /// What to write.
        stored: Stored,
        /// Whether it must survive power loss and be answered.
        durable: bool,
    },
    /// Keep what the data folder holds, whatever takes its place, for this reason. Answered by [`AgentInput::SetAside`].
    SetAside(String),
    /// Do this on redis-server.
    Do(Operation),
    /// Until when the watchdog may leave redis-server open; `None`: it is fenced, nothing to watch.
    Deadline(Option<Millis>),
    /// What the gate has to do from now on, whenever that changes. An agent without a gate ignores it.
    Gate(GateOrder),
    /// A decision, in a sentence.
    Decide(Decision),
    /// redis-server has ended as wished: the agent may end.
    Exit,
}
