//! Between the agent's mind and the gate: what the gate is told to do, and what it tells. It begins shut.

use super::{Agent, AgentOutput, Operation, Standing};
use crate::gate::{GateOrder, Hold};
use crate::names::{Epoch, Node};
use crate::record::{Phase, Record};
use crate::syncset::SyncRule;
use crate::time::Millis;
use crate::wire::ServerState;
use std::collections::BTreeSet;

impl Agent {
    /// Tells the gate what it has to do, when that has changed.
    pub(super) fn direct_gate(&mut self, now: Millis, out: &mut Vec<AgentOutput>) {
        let Some(order) = self.gate_order(now) else {
            return;
        };
        if order == GateOrder::Pass {
            // Without a rule there is nothing to wait for: all that was released is as safe as it is asked to be.
            let joint = self.record.as_ref().filter(|r| r.is_joint());
            self.on_confirmed(joint.map_or(0, |r| r.sync_at));
        }
        if order != self.gate {
            self.forget_laggards(&order);
            self.note_order(now, &order);
            self.gate = order.clone();
            out.push(AgentOutput::Gate(order));
        }
    }

    /// What the gate told of members counts for as long as it goes by a rule that names them.
    fn forget_laggards(&mut self, order: &GateOrder) {
        let (GateOrder::Hold(before), GateOrder::Hold(hold)) = (&self.gate, order) else {
            return self.lagging.clear();
        };
        let same = before.epoch == hold.epoch;
        let named = |node: &Node| same && hold.rules.iter().any(|r| r.members.contains_key(node));
        self.lagging.retain(named);
    }

    /// What the gate has to do; none: it goes on by the rule that it has.
    fn gate_order(&self, now: Millis) -> Option<GateOrder> {
        let Some(record) = self.record.as_ref().filter(|_| !self.data.foreign) else {
            return Some(GateOrder::Shut);
        };
        if matches!(self.server, ServerState::Down | ServerState::Starting) {
            return Some(GateOrder::Shut);
        }
        if let Some(carry) = self.carry(now, record) {
            return Some(carry);
        }
        let handed = record.phase == Phase::Electing && record.handoff.is_some();
        let order = match self.standing {
            Standing::Open(epoch) if epoch == record.epoch => {
                return self.serving_order(now, record);
            }
            // The promise is written first, and meanwhile clients are served as before.
            Standing::Open(_) if handed && record.epoch > self.stored.promised => return None,
            Standing::Open(_) if handed => GateOrder::Pause,
            Standing::Paused(_) if handed || record.phase != Phase::Electing => GateOrder::Pause,
            Standing::Following(..) if self.caught_up => GateOrder::Stale,
            // A replica that is sealed for an election goes on showing what it has.
            Standing::Sealed(_) if self.gate == GateOrder::Stale => GateOrder::Stale,
            _ => GateOrder::Shut,
        };
        Some(order)
    }

    fn serving_order(&self, now: Millis, record: &Record) -> Option<GateOrder> {
        let Some(rule) = self.rule_in_force(now) else {
            return Some(GateOrder::Pass);
        };
        let (epoch, version) = (record.epoch, record.sync_at);
        match &self.gate {
            GateOrder::Hold(hold) if hold.is_by(epoch, version, rule) => None,
            _ => Some(GateOrder::Hold(Hold::by(epoch, version, rule))),
        }
    }

    /// The rule by which this primary's gate releases replies; none when it serves by a lease. Where a lease is to take
    /// a rule's place, the rule holds until there is one.
    pub(super) fn rule_in_force(&self, now: Millis) -> Option<&SyncRule> {
        let record = self.record.as_ref()?;
        if record.sync.k > 0 {
            return Some(&record.sync);
        }
        let before = record.rule_before().filter(|rule| rule.k > 0)?;
        let leased = self
            .lease_until(record.epoch)
            .is_some_and(|until| until > now);
        let serves = self.standing.is_open() || self.running == Some(Operation::Open);
        let waits = serves && self.gate != GateOrder::Pass && !leased;
        waits.then_some(before)
    }

    /// Everything that the gate has released, and the start of this reign, is acknowledged under the rule of `version`,
    /// which is the one that it enforces.
    pub(super) fn on_confirmed(&mut self, version: u64) {
        self.urgent |= version > self.confirmed;
        self.confirmed = self.confirmed.max(version);
    }

    /// The gate has seen another role than this agent gave. A look may come when that is over, and would tell nothing.
    pub(super) fn on_deposed(&mut self, epoch: Epoch) {
        self.deposed = self.deposed.max(epoch);
    }

    /// Whether the gate has shut itself under an open primary, because that was not one for a moment.
    pub(super) fn is_deposed(&self) -> bool {
        matches!(self.standing, Standing::Open(epoch) if epoch <= self.deposed)
    }

    /// Members of the sync set that hold replies back.
    pub(super) fn on_lagging(&mut self, nodes: BTreeSet<Node>) {
        self.urgent |= nodes != self.lagging;
        self.lagging = nodes;
    }
}
