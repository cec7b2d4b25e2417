//! What a server's watch reports.

use super::hang::Activity;
use holdfast_core::names::Incarnation;
use holdfast_core::wire::Condition;
use std::fmt;

/// Something happened to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It answers for the first time; it may still be loading its data.
    Up {
        /// Its process.
        pid: u32,
        /// Its `run_id`.
        run_id: Incarnation,
    },
    /// It is dead: it executes no further command. A small server's death is reported within a millisecond or two, a large
    /// one's within the watch's interval, long before the kernel has taken back its memory and its port.
    Died(Death),
    /// It gives no answer, and what the kernel says of it makes waiting longer pointless.
    Hung {
        /// Its process.
        pid: u32,
        /// What its main thread was doing.
        activity: Activity,
        /// Milliseconds of silence, the agent's own delays taken out.
        silent_ms: u64,
    },
    /// It lives, and this keeps it from serving, or does not any more.
    Condition {
        /// Its process.
        pid: u32,
        /// What it is.
        condition: Condition,
        /// Milliseconds for which it has been so already.
        for_ms: u64,
    },
    /// It answers again.
    Recovered {
        /// Its process.
        pid: u32,
    },
}

/// The end of one incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Its process.
    pub pid: u32,
    /// Its `run_id`; `None` when it never answered.
    pub run_id: Option<Incarnation>,
    /// Why.
    pub reason: DeathReason,
    /// The last complaint in its log, when it ended by itself with an error.
    pub said: Option<String>,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server (pid {}) {}", self.pid, self.reason)?;
        self.said
            .as_ref()
            .map_or(Ok(()), |said| write!(f, ": {said}"))
    }
}

/// Why a server died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeathReason {
    /// It ended by itself.
    Exit(i32),
    /// A signal ended it.
    Signal(i32),
    /// SIGKILL, and the kernel counts one more kill for lack of memory than before.
    OutOfMemory,
    /// [`super::Server::kill`] or a missed deadline of [`super::Server::stop`].
    Killed,
    /// The kernel did not tell.
    Unknown,
}

impl fmt::Display for DeathReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "ended with exit code {code}"),
            Self::Signal(signal) => match nix::sys::signal::Signal::try_from(*signal) {
                Ok(name) => write!(f, "was ended by {name}"),
                Err(_) => write!(f, "was ended by signal {signal}"),
            },
            Self::OutOfMemory => f.write_str("was killed by the kernel for lack of memory: raise the memory limit or lower maxmemory"),
            Self::Killed => f.write_str("was killed by its agent"),
            Self::Unknown => f.write_str("died"),
        }
    }
}
