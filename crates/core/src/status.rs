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
    /// Whether the sentinel that answers leads the election under way: it knows best what that waits for.
    pub leads: bool,
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
    /// `up`, `starting`, `loading`, `syncing`, `stuck`, `hung`, `down`, `silent`, `gone`, `quarantined`, `withheld`
    /// or `doubted`: its data are not those for which a position is known.
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
    /// Keys that its data had when their position was last noted.
    pub noted_keys: Option<u64>,
    /// Incarnation (redis `run_id`).
    pub run_id: Option<String>,
    /// Preference between equal positions; lower wins, 0 is never chosen.
    pub priority: Option<u32>,
    /// Name and number of its redis-server, such as `valkey 8.0.1`.
    pub server: Option<String>,
    /// Whether clients may write here now.
    pub writable: bool,
    /// Milliseconds since the sentinel last heard of its agent.
    pub heard_ms_ago: Option<u64>,
    /// Sentinels that suspect it.
    pub suspected_by: Vec<String>,
    /// Why it is in this state, when there is something to say.
    pub reason: Option<String>,
    /// Its agent does not start redis-server on the files that are there, for that reason: a person has to change them.
    pub refused: bool,
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

/// One decision: who did what and why, in a sentence. The same one made several times is kept once, and counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Decision {
    /// When it was made last: wall-clock time in milliseconds since 1970, for people only.
    pub at_unix_ms: u64,
    /// When it was made first; 0 where it was made only once.
    pub first_unix_ms: u64,
    /// How often it was made again after that.
    pub repeats: u64,
    /// The sentinel or agent that decided.
    pub by: String,
    /// What it is, in a word that stays the same; `docs/reference/reasons.md` lists them.
    pub code: String,
    /// The sentence.
    pub text: String,
}

impl Decision {
    /// When it was made first, in milliseconds since 1970.
    pub fn first(&self) -> u64 {
        if self.repeats == 0 {
            self.at_unix_ms
        } else {
            self.first_unix_ms
        }
    }

    /// The same decision, made once more at `now`.
    #[must_use]
    pub fn again(self, now: u64) -> Self {
        Self {
            first_unix_ms: self.first(),
            at_unix_ms: now,
            repeats: self.repeats + 1,
            ..self
        }
    }
}

impl GroupStatus {
    /// Everything that keeps this group from being well, a clause each; none when all is well: there is no trouble, the
    /// primary takes writes, every node is `up`, and every sentinel is connected and votes.
    pub fn ailments(&self) -> Vec<String> {
        let primary = self.primary.as_ref();
        let node = primary.and_then(|name| self.nodes.iter().find(|node| node.name == *name));
        let closed = match (primary, node) {
            (None, _) => Some("no primary".to_owned()),
            (Some(_), Some(node)) if node.writable => None,
            (Some(name), _) => Some(format!("{name} takes no writes")),
        };
        let nodes = self.nodes.iter().filter(|node| node.state != "up");
        let cut = self.sentinels.iter().filter(|s| !s.connected);
        let mute = self.sentinels.iter().filter(|s| s.connected && !s.voting);
        let clauses = self.trouble.clone().into_iter().chain(closed);
        clauses
            .chain(nodes.map(|node| format!("{} is {}", node.name, node.state)))
            .chain(cut.map(|s| format!("{} is not connected", s.name)))
            .chain(mute.map(|s| format!("{} does not vote", s.name)))
            .collect()
    }
}
