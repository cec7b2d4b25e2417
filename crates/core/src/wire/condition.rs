//! Alive is not well: what keeps a redis-server that lives from serving its clients.

use serde::{Deserialize, Serialize};

/// What keeps a redis-server that lives from serving. It stands beside [`super::ServerState`], so that a sentinel of an
/// older version goes on reading reports; one that does not know a word of a newer version reads [`Condition::Unknown`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Nothing.
    #[default]
    Well,
    /// A script or function runs: everything else is answered with `-BUSY`.
    Busy,
    /// Its event loop runs and takes requests, but answers none: a client has said `CLIENT PAUSE`.
    Paused,
    /// All places for clients (`maxclients`) are taken: its agent cannot get in.
    Crowded,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

impl Condition {
    /// One word for a person, where there is something to say.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Well | Self::Unknown => None,
            Self::Busy => Some("busy"),
            Self::Paused => Some("paused"),
            Self::Crowded => Some("crowded"),
        }
    }
}
