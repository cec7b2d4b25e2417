//! Between the agent's mind and the gate: what the gate is told to do, and what it tells.

use super::Agent;
use crate::names::{Epoch, Node};
use crate::syncset::SyncRule;
use std::collections::BTreeSet;

/// What the gate has to do from now on. It begins shut; each order replaces the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GateOrder {
    /// Drop the replies that are held, close the clients; new ones are refused, or wait for another order.
    #[default]
    Shut,
    /// A replica: relay at once. What is read may be stale; redis-server itself refuses writes.
    Stale,
    /// A handoff: forward nothing more to redis-server and keep the connections. What is held already may be
    /// released by the rules that held before.
    Pause,
    /// The primary: release a reply when every one of `rules` is satisfied by named acknowledgements.
    Hold {
        /// The reign.
        epoch: Epoch,
        /// Version of the record that set the newest of the rules, to be named in [`super::AgentInput::Confirmed`].
        version: u64,
        /// Rarely more than one. Each knows where its members are reached.
        rules: Vec<SyncRule>,
    },
    /// The primary without a rule (`async`, or degraded to k = 0): relay at once. Its lease protects it.
    Pass,
}

impl Agent {
    /// Everything that the gate has released, and the start of this reign, is acknowledged under the rule of `version`,
    /// which is the one that it enforces.
    pub(super) fn on_confirmed(&mut self, version: u64) {
        self.urgent |= version > self.confirmed;
        self.confirmed = self.confirmed.max(version);
    }

    /// Members of the sync set that hold replies back.
    pub(super) fn on_lagging(&mut self, nodes: BTreeSet<Node>) {
        self.urgent |= nodes != self.lagging;
        self.lagging = nodes;
    }
}
