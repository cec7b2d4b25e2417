//! Between an agent and a sentinel.

use super::Condition;
use crate::decided::Decided;
use crate::names::{Address, Epoch, Incarnation, Node};
use crate::position::Position;
use crate::record::Record;
use crate::server_version::ServerVersion;
use crate::stamp::Stamp;
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How a redis-server is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ServerState {
    /// No process, or one that does not answer yet.
    #[default]
    Starting,
    /// Reading its data set; it has no vote.
    Loading,
    /// Answers.
    Up,
    /// Lives and does not answer.
    Hung,
    /// Ended.
    Down,
}

/// Everything that a sentinel needs to know of a node. Sent at a steady pace and at once when something
/// changes; each report replaces the one before, so that a lost one does no harm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Where clients and replicas reach redis-server.
    pub address: Option<Address>,
    /// Preference between equal positions; lower wins, 0 is never chosen.
    pub priority: u32,
    /// Epoch that the agent has promised: it obeys nothing older.
    pub promised: Epoch,
    /// Version of the newest record that it has.
    pub version: u64,
    /// It has just started, and asks each sentinel for [`Newest`]. An agent of a version before this word asks nobody.
    #[serde(default)]
    pub asks_newest: bool,
    /// How redis-server is.
    pub state: ServerState,
    /// What keeps it from serving although it lives.
    #[serde(default)]
    pub condition: Condition,
    /// The run of redis-server, or the last one when it is down.
    pub incarnation: Option<Incarnation>,
    /// `true` when redis-server says `role:master`.
    pub is_master: bool,
    /// Replication id of its data.
    pub replid: String,
    /// Epoch of that history, if this incarnation knows it: it was in step with that epoch's primary, or was it.
    pub history: Epoch,
    /// Bytes of that history applied.
    pub offset: u64,
    /// This incarnation has been in step with a primary, or was one. Else it has no vote.
    pub caught_up: bool,
    /// Link to the primary is up.
    pub link_up: bool,
    /// A full copy from the primary is under way.
    pub syncing: bool,
    /// Sealed for this epoch: cut off before position was read. 0 if not.
    pub sealed: Epoch,
    /// Paused for a handoff in this epoch; `offset` was read after the pause. 0 if not.
    pub paused: Epoch,
    /// Promoted in this epoch; `replid` and `offset` are those of the new history. 0 if not.
    pub promoted: Epoch,
    /// Clients may write here now.
    pub open: bool,
    /// Asks for a lease for this epoch; 0 if it wants none.
    pub lease_epoch: Epoch,
    /// The agent's clock when it sent this.
    pub sent_at: Millis,
    /// How far the data on disk reached when it was last noted; the vote of a restarted node when
    /// everything was down.
    pub stored: Option<Position>,
    /// Neither data nor memory of any: a new node, or an emptied one.
    pub blank: bool,
    /// Holds data that this group knows nothing of: never followed, never wiped.
    pub foreign: bool,
    /// Holds keys that the group went on without, and neither follows nor gives them up until a person decides.
    pub withheld: bool,
    /// Why the data in memory are not those for which a position is known, or why redis-server must not be started on its
    /// files. Empty where nothing speaks against them. Such a node has no vote.
    pub doubt: String,
    /// Its data end before the latest note of them, as after a loss of power: `stored` is what was safe on disk then. It has no
    /// precedence for having ruled.
    pub shorter: bool,
    /// Keys that its data had when their position was last noted.
    pub noted_keys: Option<u64>,
    /// It cannot copy the primary's data: copies fail, or none is begun since it could not be read. The reason says which.
    pub stuck: bool,
    /// Keys in all databases.
    pub keys: u64,
    /// Bytes used by redis-server.
    pub memory_bytes: u64,
    /// Milliseconds since redis-server last answered: a long command is at work when it is more than a few hundred.
    pub unanswered_ms: u64,
    /// Why the state is what it is, when there is something to say.
    pub reason: String,
    /// Its redis-server cannot write to its disk and refuses writes: another should rule.
    pub ailing: bool,
    /// Asks for a handoff, because this node is about to stop.
    pub leaving: bool,
    /// Newest version of the record whose sync rule covers everything that its gate has released. 0 if none.
    pub confirmed: u64,
    /// Members of the sync set that hold back the replies of its gate.
    pub lagging: BTreeSet<Node>,
    /// The incarnations of this node all of whose acknowledgements are on its disk: with `fsync`, the present one when it
    /// is in step, and those before whose files it was started with, until these give way to a copy.
    pub disk: BTreeSet<Incarnation>,
    /// The stamp in its data, while it is up and follows nobody.
    pub stamp: Option<Stamp>,
    /// Name and number of its redis-server: of the one that runs, or of the program while none does. An agent of a version
    /// before this word does not tell.
    pub server: Option<ServerVersion>,
}

impl Report {
    /// Whether this says more than time and sizes beside what `old` said.
    pub fn says_more_than(&self, old: &Self) -> bool {
        let Self {
            address,
            priority,
            promised,
            version,
            asks_newest,
            state,
            condition,
            incarnation,
            is_master,
            replid,
            history,
            offset,
            caught_up,
            link_up,
            syncing,
            sealed,
            paused,
            promoted,
            open,
            lease_epoch,
            sent_at: _,
            stored: _,
            blank,
            foreign,
            withheld,
            doubt,
            shorter,
            noted_keys: _,
            stuck,
            keys: _,
            memory_bytes: _,
            unanswered_ms: _,
            reason,
            ailing,
            leaving,
            confirmed,
            lagging,
            disk,
            stamp,
            server,
        } = self;
        let same = *address == old.address
            && *priority == old.priority
            && *promised == old.promised
            && *version == old.version
            && *asks_newest == old.asks_newest
            && *state == old.state
            && *condition == old.condition
            && *incarnation == old.incarnation
            && *is_master == old.is_master
            && *replid == old.replid
            && *history == old.history
            && *offset == old.offset
            && *caught_up == old.caught_up
            && *link_up == old.link_up
            && *syncing == old.syncing
            && *sealed == old.sealed
            && *paused == old.paused
            && *promoted == old.promoted
            && *open == old.open
            && *lease_epoch == old.lease_epoch
            && *blank == old.blank
            && *foreign == old.foreign
            && *withheld == old.withheld
            && *doubt == old.doubt
            && *shorter == old.shorter
            && *stuck == old.stuck
            && *reason == old.reason
            && *ailing == old.ailing
            && *leaving == old.leaving
            && *confirmed == old.confirmed
            && *lagging == old.lagging
            && *disk == old.disk
            && *stamp == old.stamp
            && *server == old.server;
        !same
    }
}

/// From an agent to a sentinel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToSentinel {
    /// How the node is.
    Report(Box<Report>),
    /// A decision of the agent, to be shown with the others.
    Decision(Decided),
    /// A message of a newer version, to be ignored.
    #[serde(other)]
    Unknown,
}

/// Permission to serve, counted from the moment at which it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The epoch that it holds for.
    pub epoch: Epoch,
    /// The agent's own clock, as in the report that asked.
    pub sent_at: Millis,
    /// How many sentinels vote: a majority of them must grant.
    pub voters: usize,
    /// Version of that set of voters: only grants of one and the same set make a majority.
    #[serde(default)]
    pub voters_version: u64,
}

/// The answer to a node that has just started: what this voter knows to be newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newest {
    /// The newest version of the record that it knows of, committed or only accepted; 0 if none.
    pub version: u64,
    /// How many sentinels vote: a majority of them must tell.
    pub voters: usize,
    /// Version of that set of voters: only words of one and the same set make a majority.
    pub voters_version: u64,
}

/// Word for the target of a handoff: the old primary is paused and holds this much. Who has it all may become a master
/// that refuses writes; only the register opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeOver {
    /// Version of the record that names the target. It holds for no other.
    pub version: u64,
    /// Replication id of the paused primary.
    pub replid: String,
    /// Where its history ends.
    pub offset: u64,
}

/// Word for the other replicas of a handoff where replies wait for them: the target has taken over and refuses writes. Who
/// follows it before the register says that it rules is there when it opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowAhead {
    /// Version of the record that names the target. It holds for no other.
    pub version: u64,
    /// The epoch that the target is to rule.
    pub epoch: Epoch,
    /// Where the target is.
    pub address: Address,
    /// Replication id of the paused primary.
    pub replid: String,
    /// Where its history ends, and that of the target begins.
    pub offset: u64,
}

/// From a sentinel to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromSentinel {
    /// The newest committed record of the group.
    Record(Box<Record>),
    /// A lease.
    Lease(Lease),
    /// The primary is paused for a handoff to this node.
    TakeOver(TakeOver),
    /// The target of a handoff may be followed.
    FollowAhead(FollowAhead),
    /// What is newest, for a node that remembers nothing.
    Newest(Newest),
    /// A message of a newer version, to be ignored.
    #[serde(other)]
    Unknown,
}
