//! What goes into a sentinel and what comes out.

use crate::decided::Decided;
use crate::mutant::Mutant;
use crate::names::{Address, Group, Node, Sentinel};
use crate::record::Terms;
use crate::register::{Slot, Voters};
use crate::time::Millis;
use crate::wire::{FromSentinel, PeerMessage, Report, Value};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One group, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// Its name.
    pub name: Group,
    /// Nodes expected at the first start. Later: how many there are to be.
    pub nodes: usize,
    /// What an acknowledgement promises.
    pub terms: Terms,
    /// May start empty after everything was lost, without asking.
    pub cache: bool,
    /// A handoff that is asked for begins at the earliest this long after the one before; 0: at once.
    pub handoff_pace: Millis,
}

/// What a sentinel is told at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentinelSettings {
    /// Its name.
    pub name: Sentinel,
    /// The identity that its disk gives it; another disk is another identity.
    pub identity: String,
    /// Number of this run, never used before by this sentinel: drawn at random at each start.
    pub run: u64,
    /// Names of all sentinels of the set, itself included.
    pub set: BTreeSet<Sentinel>,
    /// The groups that it serves.
    pub groups: Vec<GroupConfig>,
    /// A bug to plant, for the simulator's self-test.
    pub mutant: Mutant,
}

/// What a sentinel's disk holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persistent {
    /// Who votes.
    pub voters: Voters,
    /// Its slot of each register.
    pub slots: BTreeMap<Group, Slot<Value>>,
}

/// One thing written to disk; the newest of each kind counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// Who votes.
    Voters(Voters),
    /// The slot of one register.
    Slot {
        /// The register.
        group: Group,
        /// Its state.
        slot: Slot<Value>,
    },
}

/// What a person or a program may ask of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Hand over to this node, or to the best one.
    Handoff(Option<Node>),
    /// Hand over to this node, also where its redis-server is older than the primary's.
    Downgrade(Node),
    /// Go on with the data of this node after the loss of others: a person's explicit word.
    Force(Node),
    /// Forget this node, which will not come back; without a name, all that are not connected.
    Forget(Option<Node>),
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The primary before.
    pub from: Option<Node>,
    /// The primary now.
    pub to: Option<Node>,
    /// The epoch now.
    pub epoch: u64,
    /// How long writes were held back, as this sentinel saw it, in milliseconds.
    pub pause_ms: Millis,
    /// What was done, in a sentence.
    pub text: String,
}

/// What may happen to a sentinel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentinelInput {
    /// Time has passed. At least every 30 ms.
    Tick,
    /// An agent's connection stands.
    AgentLinked {
        /// Its group.
        group: Group,
        /// Its node.
        node: Node,
    },
    /// That connection ended.
    AgentGone {
        /// Its group.
        group: Group,
        /// Its node.
        node: Node,
        /// The other end closed or reset it: its process is gone. False when this end gave up, which proves nothing.
        reset: bool,
    },
    /// An agent reported.
    Report {
        /// Its group.
        group: Group,
        /// Its node.
        node: Node,
        /// What it said.
        report: Arc<Report>,
    },
    /// The connection to another sentinel stands.
    PeerLinked(Sentinel),
    /// It ended.
    PeerGone(Sentinel),
    /// Another sentinel said something, or this one to itself.
    Peer {
        /// Who.
        from: Sentinel,
        /// What.
        message: PeerMessage,
    },
    /// The configuration has changed while running. Groups that are no longer named are served on until the next start.
    Reconfigure {
        /// Names of all sentinels of the set, itself included.
        set: BTreeSet<Sentinel>,
        /// The groups that it serves.
        groups: Vec<GroupConfig>,
    },
    /// Somebody asks for something; the answer carries `id`.
    Ask {
        /// To tell answers apart.
        id: u64,
        /// The group.
        group: Group,
        /// What is asked.
        request: Request,
    },
}

/// What clients of the Sentinel protocol are told as an event, and a little more for others outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// This sentinel suspects the primary.
    Suspected(Node),
    /// It does not any more; or the primary was deposed and is appointed again, where it was.
    Cleared(Node),
    /// A majority suspects the primary: how many, of how many needed.
    Deposed(Node, usize, usize),
    /// An election has begun in this epoch.
    Electing(u64),
    /// This node was chosen.
    Appointed(Node),
    /// Clients find the primary at another address now.
    Switched {
        /// Where it was.
        from: Option<Address>,
        /// Where it is.
        to: Address,
    },
    /// A replica became known, or follows another primary.
    Replica(Node),
    /// A replica is not heard any more.
    ReplicaDown(Node),
    /// It is heard again.
    ReplicaUp(Node),
    /// A redis-server was restarted.
    Rebooted(Node),
    /// Another sentinel is not heard any more.
    PeerDown(Sentinel),
    /// It is heard again.
    PeerUp(Sentinel),
    /// This sentinel has changed the voters. The others only learn of it.
    VotersChanged,
}

/// What a sentinel wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentinelOutput {
    /// Tell another sentinel (or, with its own name, hand it back to this one).
    ToPeer {
        /// Whom.
        to: Sentinel,
        /// What.
        message: PeerMessage,
    },
    /// Tell an agent.
    ToAgent {
        /// Its group.
        group: Group,
        /// Its node.
        node: Node,
        /// What.
        message: FromSentinel,
    },
    /// Write this to disk, and only when it is there send `then`. The order of writes counts.
    Persist {
        /// What.
        written: Written,
        /// Messages that follow from it.
        then: Vec<(Sentinel, PeerMessage)>,
    },
    /// A decision. The empty group is the sentinel itself.
    Decide {
        /// The group.
        group: Group,
        /// What was decided.
        said: Decided,
    },
    /// Something that clients may have subscribed to.
    Happened {
        /// The group.
        group: Group,
        /// What.
        happening: Happening,
    },
    /// The answer to a request.
    Answer {
        /// As asked.
        id: u64,
        /// What came of it.
        result: Result<Answer, String>,
    },
}
