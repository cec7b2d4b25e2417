//! What a redis-server is to its group.

use crate::names::{Address, Epoch};

/// What redis-server has been made to be, as far as its agent knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As it was born: sealed, of no epoch.
    Fresh,
    /// Cut off for this epoch.
    Sealed(Epoch),
    /// Follows the primary of this epoch.
    Following(Epoch, Address),
    /// The primary of the epoch before, held for a handoff to this epoch.
    Paused(Epoch),
    /// A master of this epoch that refuses writes.
    Promoted(Epoch),
    /// The primary of this epoch, open to writes.
    Open(Epoch),
}

impl Standing {
    /// Whether it was made a master.
    pub fn is_master(&self) -> bool {
        matches!(self, Self::Paused(_) | Self::Promoted(_) | Self::Open(_))
    }

    /// Whether it follows somebody.
    pub fn is_following(&self) -> bool {
        matches!(self, Self::Following(..))
    }

    /// Whether clients may write.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }
}
