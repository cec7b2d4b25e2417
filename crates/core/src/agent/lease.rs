//! The lease of `async` durability, as the agent counts it.

use super::{Agent, AgentOutput, Operation, Standing};
use crate::limits::LEASE_USED;
use crate::mutant::Mutant;
use crate::names::{Epoch, Sentinel};
use crate::time::Millis;
use crate::wire::Lease;
use std::collections::BTreeMap;

/// What each sentinel has granted. A grant counts from the moment at which it was *asked for*: that is
/// before the sentinel heard of it, so the agent always stops first.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    granted: BTreeMap<Sentinel, Lease>,
}

impl Leases {
    pub(super) fn grant(&mut self, from: Sentinel, lease: Lease) {
        let newer = self
            .granted
            .get(&from)
            .is_none_or(|old| (lease.epoch, lease.sent_at) > (old.epoch, old.sent_at));
        if newer {
            self.granted.insert(from, lease);
        }
    }

    pub(super) fn forget(&mut self, sentinel: &Sentinel) {
        self.granted.remove(sentinel);
    }

    /// Until when a majority of the voters lets this epoch's primary serve.
    fn until(&self, epoch: Epoch, mutant: Mutant) -> Option<Millis> {
        let mut asked: Vec<_> = self
            .granted
            .values()
            .filter(|l| l.epoch == epoch)
            .map(|l| l.sent_at)
            .collect();
        let voters = self.granted.values().map(|l| l.voters).max()?;
        asked.sort_unstable_by(|a, b| b.cmp(a));
        let others = if mutant == Mutant::CountGrants {
            0
        } else {
            voters / 2
        };
        asked.get(others).map(|asked| asked + LEASE_USED)
    }
}

impl Agent {
    /// Until when this node may be open in `epoch`.
    pub(super) fn lease_until(&self, epoch: Epoch) -> Option<Millis> {
        self.leases.until(epoch, self.settings.mutant)
    }

    /// The epoch in which it is open, or is being opened.
    fn open_epoch(&self) -> Option<Epoch> {
        match self.standing {
            Standing::Open(epoch) => Some(epoch),
            Standing::Promoted(epoch) if self.running == Some(Operation::Open) => Some(epoch),
            _ => None,
        }
    }

    /// Closes the node when its lease is over, and keeps the watchdog's deadline true.
    pub(super) fn guard_lease(&mut self, now: Millis, out: &mut Vec<AgentOutput>) {
        let opening = self.running == Some(Operation::Open);
        let pausing =
            self.running == Some(Operation::Pause) || matches!(self.standing, Standing::Paused(_));
        if pausing {
            // Paused is closed, but a pause ends by itself: the watchdog refuses writes before that.
            let until = *self
                .paused_until
                .get_or_insert(now + super::orders::PAUSED_MAX);
            self.set_deadline(Some(until), out);
            return;
        }
        self.paused_until = None;
        let Some(epoch) = self.open_epoch() else {
            self.set_deadline(None, out);
            return;
        };
        let until = self.lease_until(epoch).unwrap_or(0);
        if self.standing.is_open()
            && until > now
            && self.deadline.is_some_and(|deadline| deadline <= now)
        {
            // The lease was renewed, but after the watchdog's time: it may have refused writes. Open it again.
            self.standing = Standing::Promoted(epoch);
            self.urgent = true;
        }
        if self.settings.mutant == Mutant::AgentIgnoresLease {
            self.set_deadline(None, out);
        } else if until > now {
            self.set_deadline(Some(until), out);
        } else if opening {
            // An order to open that was not answered in time may still be carried out later.
            self.kill(
                "it did not answer the order to open before its lease ran out",
                out,
            );
        } else {
            self.fence(now, out);
        }
    }

    fn fence(&mut self, now: Millis, out: &mut Vec<AgentOutput>) {
        if self.running.is_some() {
            return;
        }
        let Standing::Open(epoch) = self.standing else {
            return;
        };
        out.push(AgentOutput::Decide(format!(
            "closed {} to writes: no majority of sentinels renewed its lease of epoch {epoch}",
            self.settings.node
        )));
        self.next_try = now;
        self.start(Operation::Fence, out);
    }

    fn set_deadline(&mut self, until: Option<Millis>, out: &mut Vec<AgentOutput>) {
        if self.deadline != until {
            self.deadline = until;
            out.push(AgentOutput::Deadline(until));
        }
    }
}
