//! Between the agent's mind and the gate: what the gate is told to do, and what it tells.

use super::Agent;
use crate::names::Node;
use std::collections::BTreeSet;

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
