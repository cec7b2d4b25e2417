//! What clients ask for that the server cannot answer from the view.

use tokio::sync::oneshot;

/// A request to the sentinel, with the way back.
///
/// The answer is shown as the [`ActionKind`] says; an error text is shown as it is when it begins with a code in capitals
/// (`INPROG Failover already in progress`), and after `ERR ` otherwise. A dropped `reply` reads as an error to the client.
#[derive(Debug)]
pub struct ActionRequest {
    /// What is asked for.
    pub kind: ActionKind,
    /// Where the answer goes. The client may be gone by then.
    pub reply: oneshot::Sender<Result<String, String>>,
}

/// What is asked for. Groups named here were in the view when the request came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionKind {
    /// `SENTINEL FAILOVER`: any answer that is no error shows as `OK`.
    Failover {
        /// The group.
        group: String,
        /// Was a coordinated one asked for? (A handoff; Holdfast may do one in any case.)
        coordinated: bool,
    },
    /// `SENTINEL RESET`: the answer is the number of groups, shown as an integer.
    Reset {
        /// Glob pattern of group names.
        pattern: String,
    },
    /// `SENTINEL SET`: all or nothing; any answer that is no error shows as `OK`.
    Set {
        /// The group.
        group: String,
        /// What to set, in the order given.
        settings: Vec<Setting>,
    },
    /// `HOLDFAST <word> …`: the words after `HOLDFAST`; the answer (JSON) shows as a bulk string.
    Holdfast(Vec<String>),
}

/// A setting that can be changed while running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// `down-after-milliseconds`, at least 1.
    DownAfterMs(u64),
    /// `failover-timeout` in milliseconds, at least 1.
    FailoverTimeoutMs(u64),
    /// `parallel-syncs`, at least 1.
    ParallelSyncs(u32),
}

impl Setting {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::DownAfterMs(_) => "down-after-milliseconds",
            Self::FailoverTimeoutMs(_) => "failover-timeout",
            Self::ParallelSyncs(_) => "parallel-syncs",
        }
    }

    /// Its value as text.
    pub fn value(self) -> String {
        match self {
            Self::DownAfterMs(number) | Self::FailoverTimeoutMs(number) => number.to_string(),
            Self::ParallelSyncs(number) => number.to_string(),
        }
    }
}
