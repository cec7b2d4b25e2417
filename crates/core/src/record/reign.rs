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
    /// Its primary began without a key, in a group where replies waited for nobody and that is no cache. Data of before
    /// are not replaced by it without a person's word.
    #[serde(default)]
    pub empty: bool,
}
