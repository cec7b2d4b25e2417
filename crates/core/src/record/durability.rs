//! What an acknowledgement promises.

use serde::{Deserialize, Serialize};

/// What an acknowledgement promises.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// As plain Redis, but fenced by a lease: loss is bounded and reported.
    #[default]
    Async,
    /// k replicas have it in memory.
    Quorum,
    /// k replicas and the primary have it on disk.
    Fsync,
}

impl std::fmt::Display for Durability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Async => "async",
            Self::Quorum => "quorum",
            Self::Fsync => "fsync",
        })
    }
}
