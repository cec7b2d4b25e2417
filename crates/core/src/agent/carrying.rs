//! A handoff as the gate sees it: what was asked is answered, then the server is paused, then sessions go on elsewhere.

use super::{Agent, Standing};
use crate::gate::{Carry, GateOrder};
use crate::record::{Member, Phase, Record};
use crate::time::Millis;

/// What was asked before a handoff has this long to be answered; then the handoff goes on without.
const DRAIN_MAX: Millis = 100;

/// A client that comes to the old address within this time after a handoff is taken to the new primary.
const CARRY_FOR: Millis = 5_000;

/// Where a handoff stands, for the gate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Carrying {
    /// When the gate was told to pause.
    paused_at: Option<Millis>,
    drained: bool,
    /// Until when clients that come here are taken to the new primary.
    until: Millis,
}

impl Agent {
    /// Everything that was asked has been answered and released.
    pub(super) fn on_drained(&mut self) {
        self.carrying.drained = self.carrying.paused_at.is_some();
    }

    /// Whether the server may hold writes back. What it would keep waiting then has no known end, so the gate goes first.
    pub(super) fn may_pause(&self, now: Millis) -> bool {
        match self.carrying.paused_at {
            _ if !self.settings.gated => true,
            Some(at) => self.carrying.drained || now >= at + DRAIN_MAX,
            None => !self.standing.is_open(),
        }
    }

    /// The gate is about to be told something else.
    pub(super) fn note_order(&mut self, now: Millis, order: &GateOrder) {
        let carries = |order: &GateOrder| matches!(order, GateOrder::Carry(_));
        if carries(order) && !carries(&self.gate) {
            self.carrying.until = now + CARRY_FOR;
        }
        self.carrying.paused_at = (*order == GateOrder::Pause).then_some(now);
        self.carrying.drained = false;
    }

    /// The primary that serves by the newest record that is known, whoever it is.
    pub fn serving_primary(&self) -> Option<Carry> {
        let record = self.record.as_ref()?;
        serving(record).map(|primary| Carry {
            epoch: record.epoch,
            to: primary.address.clone(),
        })
    }

    /// Where its clients go on, after a handoff.
    pub(super) fn carry(&self, now: Millis, record: &Record) -> Option<GateOrder> {
        let carried = match &self.gate {
            GateOrder::Pause => None,
            GateOrder::Carry(carry) if now < self.carrying.until => Some(carry),
            _ => return None,
        };
        // Who has nothing under way need not wait for the seal: a pause does not end by itself.
        let done = match self.standing {
            Standing::Sealed(_) | Standing::Following(..) => true,
            Standing::Paused(_) => self.carrying.drained || carried.is_some(),
            _ => false,
        };
        if !done {
            return None;
        }
        let another = |primary: &&Member| primary.node != self.settings.node;
        let next = serving(record).filter(another).map(|primary| Carry {
            epoch: record.epoch,
            to: primary.address.clone(),
        });
        next.or_else(|| carried.cloned()).map(GateOrder::Carry)
    }
}

/// Whoever serves by this record.
fn serving(record: &Record) -> Option<&Member> {
    record
        .primary
        .as_ref()
        .filter(|_| record.phase == Phase::Stable)
}
