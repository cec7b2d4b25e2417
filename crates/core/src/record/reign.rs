//! One entry of a group's history.

use crate::names::Epoch;
use serde::{Deserialize, Serialize};

/// One epoch's history: the replication id that its primary took, and where it began.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reign {
    /// The epoch.
    pub epoch: Epoch,
    /// Replication id of redis-server in that epoch; it orders nothing by itself.
    pub replid: String,
    /// Replication offset at which it began.
    pub start: u64,
}
