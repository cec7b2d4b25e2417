//! The lease of `async` durability, as the agent counts it.

use super::{Agent, AgentOutput, Decision, KillReason, Operation, Standing};
use crate::limits::LEASE_USED;
use crate::mutant::Mutant;
use crate::names::{Epoch, Sentinel};
use crate::time::Millis;
use crate::wire::Lease;
use std::collections::BTreeMap;

/// The agent closes so long before the lease ends. It disconnects clients, where the watchdog, whose time is the end itself,
/// can only have their writes refused. One tick of the shell.
const CLOSES_BEFORE: Millis = 20;

/// What each sentinel has granted. A grant counts from the moment at which it was *asked for*: that is
/// before the sentinel heard of it, so the agent always stops first.
///
/// Grants of different sets of voters never add up: two changes of the voters apart, a majority made of them may share
/// nobody with one that elects.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    /// The newest of each sentinel under its present set of voters and under the one before: while a change goes round, the
    /// lease of the old set holds until the new one has granted its own.
    granted: BTreeMap<Sentinel, Vec<Lease>>,
}

impl Leases {
    pub(super) fn grant(&mut self, from: Sentinel, lease: Lease) {
        let known = self.granted.entry(from).or_default();
        let newest = known.last().map_or((0, 0), |old| (old.epoch, old.sent_at));
        if (lease.epoch, lease.sent_at) <= newest {
            return;
        }
        known.retain(|old| old.voters_version != lease.voters_version);
        known.push(lease);
        let surplus = known.len().saturating_sub(2);
        known.drain(..surplus);
    }

    pub(super) fn forget(&mut self, sentinel: &Sentinel) {
        self.granted.remove(sentinel);
    }

    /// Until when a majority of the voters lets this epoch's primary serve.
    fn until(&self, epoch: Epoch, mutant: Mutant) -> Option<Millis> {
        let granted = || {
            let all = self.granted.values().flatten();
            all.filter(|lease| lease.epoch == epoch)
        };
        let by_majority = |lease: &&Lease| {
            let same_set = granted().filter(|l| l.voters_version == lease.voters_version);
            let as_late = same_set.filter(|l| l.sent_at >= lease.sent_at).count();
            as_late > lease.voters / 2 || mutant == Mutant::CountGrants
        };
        let asked = granted().filter(by_majority).map(|lease| lease.sent_at);
        asked.max().map(|asked| asked + LEASE_USED)
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
        let Some(epoch) = self
            .open_epoch()
            .filter(|_| self.rule_in_force(now).is_none())
        else {
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
        } else if until > now + CLOSES_BEFORE || (opening && until > now) {
            self.set_deadline(Some(until), out);
        } else if opening {
            // An order to open that was not answered in time may still be carried out later.
            self.kill(KillReason::NotOpenedInTime, out);
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
        out.push(AgentOutput::Decide(Decision::LeaseLost(epoch)));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(by: &[(&str, u64, usize)]) -> Leases {
        let mut leases = Leases::default();
        for (name, voters_version, voters) in by {
            let lease = Lease {
                epoch: 1,
                sent_at: 100,
                voters: *voters,
                voters_version: *voters_version,
            };
            leases.grant(Sentinel::from(*name), lease);
        }
        leases
    }

    #[test]
    fn a_majority_of_one_set_makes_a_lease() {
        assert!(granted(&[("a", 1, 3)]).until(1, Mutant::None).is_none());
        let leases = granted(&[("a", 1, 3), ("b", 1, 3)]);
        assert_eq!(leases.until(1, Mutant::None), Some(100 + LEASE_USED));
        assert!(leases.until(2, Mutant::None).is_none());
    }

    #[test]
    fn grants_of_different_sets_do_not_add_up() {
        let mixed = granted(&[("c", 2, 4), ("d", 1, 5), ("e", 1, 5)]);
        assert!(mixed.until(1, Mutant::None).is_none());
    }

    #[test]
    fn the_old_set_holds_until_the_new_one_has_granted() {
        let mut leases = granted(&[("a", 1, 3), ("b", 1, 3)]);
        let next = Lease {
            epoch: 1,
            sent_at: 180,
            voters: 2,
            voters_version: 2,
        };
        leases.grant(Sentinel::from("a"), next);
        assert_eq!(leases.until(1, Mutant::None), Some(100 + LEASE_USED));
        leases.grant(Sentinel::from("b"), next);
        assert_eq!(leases.until(1, Mutant::None), Some(180 + LEASE_USED));
    }
}
