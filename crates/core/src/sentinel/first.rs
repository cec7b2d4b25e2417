//! The first start of a group: the register is empty.

use super::choice::{member, reports};
use super::{Decision, GroupState, SentinelCore, Trouble};
use crate::limits::COLD_GRACE;
use crate::names::{Group, Node};
use crate::record::Record;
use crate::time::Millis;
use crate::wire::{Report, ServerState};
use std::collections::BTreeSet;

impl SentinelCore {
    /// Appoints the first node by name once all expected nodes report no data (after a grace time, a
    /// majority of them); or the one whose data a person told its agent to adopt.
    pub(super) fn drive_first(&mut self, now: Millis, name: &Group, rank: u64) {
        if rank > 0 && now < self.started_at.unwrap_or(now) + 1000 + rank * 500 {
            return;
        }
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let expected = group.config.nodes;
        let ready: Vec<(&Node, &Report)> = reports(group).filter(|(_, r)| is_ready(r)).collect();
        let veteran = reports(group)
            .find(|(_, r)| r.promised > 0)
            .map(|(node, _)| node.clone());
        if let Some(node) = veteran {
            return self.first_forced(now, name, Trouble::RegisterLost(node));
        }
        if let Some(trouble) = refused(group) {
            return self.complain(name, trouble);
        }
        let waited = now.saturating_sub(self.started_at.unwrap_or(now)) >= COLD_GRACE;
        let enough = ready.len() >= expected || (waited && ready.len() > expected / 2);
        if !enough {
            return;
        }
        let adopted = ready
            .iter()
            .filter(|(_, r)| !r.blank)
            .max_by_key(|(_, r)| r.keys);
        let chosen = adopted.or_else(|| ready.iter().find(|(_, r)| r.priority > 0));
        let Some(chosen) = chosen.and_then(|(node, report)| member(node, report)) else {
            return self.complain(name, Trouble::NoneMayBeFirst);
        };
        let reason = Decision::FirstAppointed {
            node: chosen.node.clone(),
            adopted: adopted.is_some(),
        };
        let nodes: BTreeSet<Node> = ready.iter().map(|(n, _)| (*n).clone()).collect();
        let record = Record::first(
            nodes,
            chosen,
            group.config.terms,
            &self.settings.name,
            reason,
        );
        self.propose(now, name, record);
    }

    /// The register was lost with the sentinels' disks. Only a person's word goes on from here.
    fn first_forced(&mut self, now: Millis, name: &Group, trouble: Trouble) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let forced = group
            .forced()
            .and_then(|f| reports(group).find(|(n, _)| *n == f));
        let Some((promised, chosen)) = forced.and_then(|(n, r)| Some((r.promised, member(n, r)?)))
        else {
            self.complain(name, trouble);
            return;
        };
        let highest = reports(group)
            .map(|(_, r)| r.promised)
            .max()
            .unwrap_or(promised);
        // Agents obey nothing of a version that they have left behind.
        let version = reports(group).map(|(_, r)| r.version).max().unwrap_or(0);
        let nodes: BTreeSet<Node> = reports(group).map(|(n, _)| n.clone()).collect();
        let reason = Decision::RegisterBegun(chosen.node.clone());
        let mut record = Record::first(
            nodes,
            chosen,
            group.config.terms,
            &self.settings.name,
            reason,
        );
        record.epoch = highest + 1;
        record.version = version + 1;
        record.sync_at = record.version;
        self.propose(now, name, record);
    }
}

/// A node that is not started because of what lies on its disk may have all the data there are.
fn refused(group: &GroupState) -> Option<Trouble> {
    let refused = |r: &Report| r.state == ServerState::Down && !r.doubt.is_empty();
    let (node, report) = reports(group).find(|(_, r)| refused(r))?;
    Some(Trouble::FilesUndecided(super::keeps::of(node, report)))
}

fn is_ready(report: &Report) -> bool {
    report.state == ServerState::Up && !report.foreign && report.incarnation.is_some()
}
