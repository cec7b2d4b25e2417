//! What people and programs are shown of a group: the answer to `HOLDFAST STATUS` and `holdfast status --json`.

use crate::names::{Address, Epoch};
use crate::position::Position;
use serde::{Deserialize, Serialize};

/// Version of this format. Fields are only added.
pub const STATUS_VERSION: u32 = 1;

/// One group as one sentinel sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupStatus {
    /// [`STATUS_VERSION`] of the sentinel that answers.
    pub version: u32,
    /// The group's name.
    pub group: String,
    /// The sentinel that answers.
    pub sentinel: String,
    /// Epoch of the newest record that it knows; 0 before the first start.
    pub epoch: Epoch,
    /// `empty`, `electing`, `appointed` or `stable`.
    pub phase: String,
    /// `async`, `quorum` or `fsync`.
    pub durability: String,
    /// The replicas whose acknowledgements count; none in `async`.
    pub sync_set: Vec<String>,
    /// How many of them a reply waits for just now.
    pub sync_replicas: usize,
    /// Name of the primary, absent while there is none.
    pub primary: Option<String>,
    /// Address that clients are given.
    pub primary_address: Option<Address>,
    /// One sentence when something is wrong, absent when all is well.
    pub trouble: Option<String>,
    /// Every node that ever reported, by name.
    pub nodes: Vec<NodeStatus>,
    /// Every sentinel, by name.
    pub sentinels: Vec<SentinelStatus>,
    /// The newest decisions, oldest first; at most 64.
    pub decisions: Vec<Decision>,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeStatus {
    /// Its stable name.
    pub name: String,
    /// Where clients reach its redis-server.
    pub address: Option<Address>,
    /// `primary`, `replica`, `sealed` or `unknown`.
    pub role: String,
    /// `up`, `starting`, `loading`, `syncing`, `hung`, `down`, `silent`, `gone`, `quarantined` or `withheld`.
    pub state: String,
    /// Epoch that the node has promised.
    pub epoch: Epoch,
    /// How far its data reaches.
    pub position: Option<Position>,
    /// Bytes behind the primary, as last reported.
    pub lag_bytes: Option<u64>,
    /// Memory used by redis-server, in bytes.
    pub memory_bytes: Option<u64>,
    /// Keys in all databases.
    pub keys: Option<u64>,
    /// Incarnation (redis `run_id`).
    pub run_id: Option<String>,
    /// Whether clients may write here now.
    pub writable: bool,
    /// Milliseconds since the sentinel last heard of its agent.
    pub heard_ms_ago: Option<u64>,
    /// Sentinels that suspect it.
    pub suspected_by: Vec<String>,
    /// Why it is in this state, when there is something to say.
    pub reason: Option<String>,
}

/// One sentinel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SentinelStatus {
    /// Its stable name.
    pub name: String,
    /// 40 hex characters, as `SENTINEL MYID`.
    pub id: String,
    /// Where clients reach it.
    pub address: Option<Address>,
    /// Whether the answering sentinel can talk to it (true for itself).
    pub connected: bool,
    /// Whether it votes; a sentinel that lost its disk does not until it has learned.
    pub voting: bool,
    /// Node that it suspects, if any.
    pub suspects: Option<String>,
}

/// One decision: who did what and why, in a sentence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Decision {
    /// Wall-clock time in milliseconds since 1970, for people only.
    pub at_unix_ms: u64,
    /// The sentinel or agent that decided.
    pub by: String,
    /// The sentence.
    pub text: String,
}
