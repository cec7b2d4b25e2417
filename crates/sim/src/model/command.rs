//! What goes into a server and what comes out.

use super::backlog::Entry;
use super::files::Image;
use super::info::Info;
use super::server::Replid;
use holdfast_core::names::Address;
use holdfast_core::stamp::Stamp;

/// One client connection, unique in a run.
pub type ClientId = u64;

/// One replication connection, unique in a run; both ends use the same number.
pub type LinkId = u64;

/// A command on an ordinary connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `INFO`.
    Info,
    /// `SET` of one unique value by a client.
    Write {
        /// Who asks, for the late reply of a held write and for `CLIENT KILL`.
        client: ClientId,
        /// The value.
        value: u64,
    },
    /// `GET`-like: whether the value is in the data.
    Read(u64),
    /// `PUBLISH`: moves the offset without touching data.
    Publish,
    /// A barrier's write of its stamp, which never falls within a reign.
    Stamp(Stamp),
    /// What a pending `WAIT` does: asks the replicas to report at once.
    GetAck,
    /// `REPLICAOF host port`, or `REPLICAOF NO ONE` with `None`.
    ReplicaOf(Option<Address>),
    /// `CONFIG SET min-replicas-to-write`: a huge number (true) or 0.
    Fence(bool),
    /// `CONFIG SET repl-diskless-sync-delay`: streamed copies wait for ever (true) or begin at once.
    KeepCopies(bool),
    /// `CLIENT PAUSE ms WRITE`, in microseconds.
    Pause(u64),
    /// `CLIENT UNPAUSE`.
    Unpause,
    /// `CLIENT KILL TYPE normal`.
    KillClients,
    /// `PSYNC ? -1` on an own connection that is closed at once: creates the backlog where there is none.
    TouchBacklog,
    /// `FLUSHALL` by a client.
    Flush,
    /// `SAVE`.
    Save,
    /// `EVAL` of a script that never ends; whether it writes first.
    Script(bool),
    /// `SCRIPT KILL`.
    EndScript,
}

/// A good answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// `+OK`.
    Done,
    /// The write waits for the end of a pause; [`Effect::Late`] follows.
    Held,
    /// The answer to [`Command::Read`].
    Found(bool),
    /// The answer to [`Command::Info`].
    Info(Box<Info>),
}

/// An error answer, by its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `-LOADING`.
    Loading,
    /// `-READONLY`.
    ReadOnly,
    /// `-NOREPLICAS`.
    NoReplicas,
    /// `-BUSY`: a script runs.
    Busy,
    /// `-UNKILLABLE`: the script that runs has written.
    Unkillable,
    /// `-NOTBUSY`: no script runs.
    NotBusy,
}

/// What travels on a replication link.
#[derive(Clone, Debug)]
pub enum Message {
    /// Replica: give me what follows, or everything when `have` is `None`.
    Psync {
        /// History and offset that the replica has.
        have: Option<(Replid, u64)>,
        /// Address that the replica announces.
        from: Address,
    },
    /// Replica: applied so far.
    Ack(u64),
    /// Primary: everything comes, as of this history and offset.
    FullResync(Replid, u64),
    /// Primary: the whole data set.
    Snapshot(Image),
    /// Primary: go on under this history.
    Continue(Replid),
    /// Primary: cannot serve you now (loading, or itself without a link).
    Refused,
    /// Primary: the next entries.
    Stream(Vec<Entry>),
    /// Primary: the next entry.
    Next(Entry),
}

/// What a server does to the world.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Open a replication link.
    Connect {
        /// Its number.
        link: LinkId,
        /// Where to.
        to: Address,
    },
    /// Send on a link.
    Send {
        /// Which one.
        link: LinkId,
        /// What.
        message: Message,
    },
    /// Close a link.
    Close {
        /// Which one.
        link: LinkId,
    },
    /// The answer to a write that was held by a pause.
    Late {
        /// Who asked.
        client: ClientId,
        /// The value.
        value: u64,
        /// What became of it.
        outcome: Result<Reply, Refusal>,
    },
    /// Every ordinary client connection was closed.
    ClosedClients,
}
