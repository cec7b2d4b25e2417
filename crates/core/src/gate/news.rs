//! What the gate tells the agent.

use crate::names::{Epoch, Node};
use std::collections::BTreeSet;

/// What others should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Everything released so far is acknowledged under the newest rule of this version, and at least one barrier was.
    Confirmed(u64),
    /// Members that have been behind for a while, all of them; empty once none is.
    Lagging(BTreeSet<Node>),
    /// The server that held replies in this epoch is no master: nothing more is released.
    Deposed(Epoch),
    /// After [`GateOrder::Pause`](super::GateOrder::Pause): whatever was asked is answered and released, as far as that can be
    /// waited for.
    Drained,
}
