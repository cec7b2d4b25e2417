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

/// What happens while fewer replicas can be reached than an acknowledgement needs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum OnLossOfQuorum {
    /// Replies are held until there are enough.
    #[default]
    Hold,
    /// After a moment fewer will do, down to none at all, and it is told; with enough of them it goes back by itself.
    Degrade,
}

/// What a group asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// What an acknowledgement promises.
    #[serde(default)]
    pub durability: Durability,
    /// How many replicas must have a write before its reply is released; 1 at least, of no meaning in `async`.
    #[serde(default = "one")]
    pub sync_replicas: usize,
    /// What happens when they cannot be reached.
    #[serde(default)]
    pub on_loss_of_quorum: OnLossOfQuorum,
}

fn one() -> usize {
    1
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            durability: Durability::Async,
            sync_replicas: 1,
            on_loss_of_quorum: OnLossOfQuorum::Hold,
        }
    }
}

impl Terms {
    /// Whether an acknowledgement means disks.
    pub fn on_disk(&self) -> bool {
        self.durability == Durability::Fsync
    }

    /// Replicas that an acknowledgement needs; none in `async`.
    pub fn k(&self) -> usize {
        match self.durability {
            Durability::Async => 0,
            Durability::Quorum | Durability::Fsync => self.sync_replicas.max(1),
        }
    }
}
