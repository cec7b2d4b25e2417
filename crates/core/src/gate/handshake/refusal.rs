//! Why a connection that asks for the stream, or has it, is closed.

use std::fmt;

/// Bytes of a server's line that are shown.
const SHOWN: usize = 120;

/// Why it is closed. It reads as one line: what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It asked for the stream without the proof of a member.
    Unproven,
    /// It asked before its answers had come, or spoke before the stream came. No replica does.
    Hasty,
    /// It asked by `SYNC`, which numbers nothing.
    Unnumbered,
    /// It proved a member's name and then spoke as a client.
    Strayed,
    /// The server refused it the stream, in these words.
    Server(String),
    /// The server answered by something that is not known.
    Unknown(String),
    /// It acknowledged what it was not sent.
    Beyond {
        /// What it acknowledged.
        acknowledged: u64,
        /// The end of what it was sent.
        sent: u64,
    },
}

impl Refusal {
    /// Of a line with which the server did not begin the stream.
    pub(super) fn of_server(line: &str) -> Self {
        let shown: String = line.chars().take(SHOWN).collect();
        if line.starts_with('-') {
            Self::Server(shown)
        } else {
            Self::Unknown(shown)
        }
    }

    /// What the connection is answered, where the server has not answered it.
    pub fn reply(&self) -> Option<&'static [u8]> {
        match self {
            Self::Unproven => Some(
                b"-NOPERM the stream is for members of the group: no proof of one came with AUTH. \
                Give this node's agent the secret of the cluster, and the version of the others\r\n",
            ),
            _ => None,
        }
    }

    /// Whether it is no more than a server that is not ready, of which nobody need hear.
    pub fn is_usual(&self) -> bool {
        matches!(self, Self::Server(_))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unproven => f.write_str(
                "it asked for the replication stream without the proof of a member; if it is one, its agent is of an older \
                version or has another secret",
            ),
            Self::Hasty => f.write_str("it asked for the replication stream as no replica does"),
            Self::Unnumbered => f.write_str("it asked for the replication stream by SYNC; replicas ask by PSYNC"),
            Self::Strayed => f.write_str("it proved the name of a member and then spoke as a client"),
            Self::Server(line) => write!(f, "redis-server refused it the replication stream: {line}"),
            Self::Unknown(line) => write!(
                f,
                "redis-server answered its handshake in a way that the gate does not know: {line:?}"
            ),
            Self::Beyond { acknowledged, sent } => write!(
                f,
                "it acknowledged offset {acknowledged}, and was sent the stream up to {sent} only: it is no replica, or its \
                redis-server is damaged"
            ),
        }
    }
}
