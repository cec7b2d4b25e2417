//! How far a node's data reaches.

use crate::names::Epoch;
use serde::{Deserialize, Serialize};
use std::fmt;

/// (epoch of the history, replication offset in bytes): comparable across the nodes of one group,
/// and nothing else is. An offset alone means nothing: another history counts other bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    /// Epoch in which the history was begun.
    pub epoch: Epoch,
    /// Bytes of replication stream applied.
    pub offset: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}
