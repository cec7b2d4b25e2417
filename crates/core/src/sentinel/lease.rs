//! The lease of `async` durability, as a sentinel grants it.

use super::{SentinelCore, SentinelOutput, VOTERS};
use crate::limits::LEASE_GRANTED;
use crate::mutant::Mutant;
use crate::names::{Group, Node};
use crate::record::Record;
use crate::register::Versioned;
use crate::time::Millis;
use crate::wire::{FromSentinel, Lease, Newest, Value};

impl SentinelCore {
    /// The newest record that this sentinel knows of, committed or only accepted. An election that it
    /// has accepted ends its leases, even if it does not know whether that election is committed.
    fn newest(&self, name: &Group) -> Option<&Record> {
        let committed = self.groups.get(name)?.record();
        let accepted = self.slots.get(name).and_then(|slot| slot.accepted.as_ref());
        let accepted = match accepted {
            Some((_, Value::Record(record)))
                if self.settings.mutant != Mutant::GrantWhileElecting =>
            {
                Some(&**record)
            }
            _ => None,
        };
        accepted
            .into_iter()
            .chain(committed)
            .max_by_key(|record| record.version)
    }

    /// Tells a node that remembers no promise what is newest here. Who has accepted another set of voters and does not
    /// know whether it is committed says nothing yet.
    pub(super) fn tell_newest(&mut self, name: &Group, node: &Node) {
        let unsure = self
            .slots
            .get(&Group::from(VOTERS))
            .and_then(|slot| slot.accepted.as_ref())
            .is_some_and(|(_, voters)| voters.version() > self.voters.version);
        if unsure || !self.votes() || !self.groups.contains_key(name) {
            return;
        }
        let newest = Newest {
            version: self.newest(name).map_or(0, |record| record.version),
            voters: self.voters.members.len(),
            voters_version: self.voters.version,
        };
        self.out.push(SentinelOutput::ToAgent {
            group: name.clone(),
            node: node.clone(),
            message: FromSentinel::Newest(newest),
        });
    }

    /// Grants what the last report of `node` asks for, if the node is what it thinks it is.
    pub(super) fn grant(&mut self, now: Millis, name: &Group, node: &Node) {
        if !self.votes() {
            return;
        }
        let Some(record) = self.newest(name) else {
            return;
        };
        let epoch = record.epoch;
        let Some(report) = self
            .groups
            .get(name)
            .and_then(|g| g.nodes.get(node)?.report.as_ref())
        else {
            return;
        };
        let asked = report.lease_epoch == epoch && epoch > 0;
        let rules = report
            .incarnation
            .as_ref()
            .is_some_and(|i| record.is_primary(node, i));
        let lease = Lease {
            epoch,
            sent_at: report.sent_at,
            voters: self.voters.members.len(),
            voters_version: self.voters.version,
        };
        let ended = self
            .groups
            .get(name)
            .is_some_and(|group| group.is_outlived(record));
        let ended = ended && self.settings.mutant != Mutant::TrustARegisterPutBack;
        if ended || !(asked && rules) {
            return;
        }
        if let Some(group) = self.groups.get_mut(name) {
            group.granted = Some((epoch, now + LEASE_GRANTED));
        }
        let message = FromSentinel::Lease(lease);
        self.out.push(super::SentinelOutput::ToAgent {
            group: name.clone(),
            node: node.clone(),
            message,
        });
    }

    /// Grants the primary of a value that was just accepted what it has asked for already: after a handoff it need not
    /// ask once more. It opens only by a committed record, whatever is granted.
    pub(super) fn grant_newest(&mut self, now: Millis, name: &Group) {
        let primary = self.newest(name).and_then(|r| r.primary.as_ref());
        if let Some(node) = primary.map(|p| p.node.clone()) {
            self.grant(now, name, &node);
        }
    }

    /// How long the last lease may still run. A sentinel that was restarted does not remember what it
    /// granted, so it assumes the worst; and so it does after a change of the voters.
    pub(super) fn granted_ms(&self, now: Millis, name: &Group) -> Millis {
        let granted = self
            .groups
            .get(name)
            .and_then(|g| g.granted)
            .map_or(0, |(_, until)| until);
        let forgotten = self.started_at.unwrap_or(now) + LEASE_GRANTED;
        // One that was a voter until then may have granted a lease that nobody of the present voters knows of.
        let departed = self.voters_since + LEASE_GRANTED;
        granted.max(forgotten).max(departed).saturating_sub(now)
    }
}
