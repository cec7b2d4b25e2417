//! What happens to the processes of the group.

use std::fmt;
use std::time::Duration;

/// One thing that happened; its text is a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process began.
    Started {
        /// Sentinel or node.
        name: String,
        /// `sentinel` or `agent`.
        role: &'static str,
        /// Its process.
        pid: i32,
    },
    /// A process ended.
    Ended {
        /// Sentinel or node.
        name: String,
        /// `sentinel` or `agent`.
        role: &'static str,
        /// How, for example `signal 9`.
        how: String,
        /// The last line of its log when it failed by itself.
        said: Option<String>,
        /// When it is started again, if it is.
        again_in: Option<Duration>,
        /// Deaths in a row.
        deaths: usize,
    },
    /// A redis-server appeared (`Some`) or went (`None`).
    Server {
        /// The node.
        name: String,
        /// Its process.
        pid: Option<i32>,
    },
    /// Something of `up` itself failed, for example writing cluster.json on a full disk.
    Trouble(String),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { name, role, pid } => write!(f, "{name}: {role} started (pid {pid})"),
            Self::Ended {
                name,
                role,
                how,
                said,
                again_in,
                ..
            } => {
                write!(f, "{name}: {role} ended ({how})")?;
                if let Some(said) = said {
                    write!(f, ": {said}")?;
                }
                match again_in {
                    None => write!(f, "; it stays down"),
                    Some(delay) if delay.is_zero() => write!(f, "; starting it again"),
                    Some(delay) => write!(f, "; starting it again in {:.1} s", delay.as_secs_f32()),
                }
            }
            Self::Server {
                name,
                pid: Some(pid),
            } => write!(f, "{name}: redis-server runs (pid {pid})"),
            Self::Server { name, pid: None } => write!(f, "{name}: redis-server is gone"),
            Self::Trouble(text) => f.write_str(text),
        }
    }
}
