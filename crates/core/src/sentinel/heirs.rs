//! Who is heard in an election, restarted nodes included where acknowledgements are on disks (`fsync`).
//!
//! A restarted node is an heir of the incarnations whose files it was started with: it has what they acknowledged, and is
//! heard in their place. Its replication offset went with the process before, so wherever an heir takes part all are
//! compared by the stamps in their data. Without a stamp (a `FLUSHALL` came after the last one) it cannot be told how far
//! a node reaches, so it is not heard; except the primary that is being revoked, which has everything anyway. A node whose file
//! ends before what was noted of it has no vote, whoever it was: no loss of power takes what was acknowledged in this
//! durability, so something else did. It may be chosen if it reaches furthest all the same, for then it has what the others
//! have.

use super::choice::{Candidate, is_fit, member};
use super::election::sealed;
use super::{GroupState, SentinelCore};
use crate::mutant::Mutant;
use crate::names::{Incarnation, Node};
use crate::position::Position;
use crate::record::Record;
use crate::stamp::Stamp;
use crate::wire::{Report, ServerState};
use std::collections::BTreeSet;

impl SentinelCore {
    /// Those whose word counts in this election.
    pub(super) fn heard(&self, group: &GroupState, record: &Record) -> Vec<Candidate> {
        self.heard_of(record, &sealed(group, record).collect::<Vec<_>>())
    }

    /// Of these nodes, those whose word counts. Heirs only where the living are not enough: among these offsets tell more.
    pub(super) fn heard_of(&self, record: &Record, nodes: &[(&Node, &Report)]) -> Vec<Candidate> {
        let living = nodes.iter();
        let living: Vec<Candidate> = living
            .filter_map(|(node, report)| self.candidate(record, node, report))
            .collect();
        if !record.is_on_disk() || self.suffices(record, &living) {
            return living;
        }
        let by_disk = nodes.iter().filter_map(|(n, r)| self.by_disk(record, n, r));
        let (marked, bare): (Vec<_>, Vec<_>) = by_disk.partition(|c| c.stamp.is_some());
        match bare.into_iter().find(|c| c.ruled) {
            Some(ruler) => vec![ruler],
            None => marked,
        }
    }

    /// A node by the stamp in its data: in step, or an heir of one that was.
    fn by_disk(&self, record: &Record, node: &Node, report: &Report) -> Option<Candidate> {
        let living = self.candidate(record, node, report);
        let heir = report.state == ServerState::Up
            && !report.syncing
            && !report.foreign
            && !report.blank
            && report.doubt.is_empty()
            && !report.disk.is_empty();
        if living.is_none() && !heir {
            return None;
        }
        let member = member(node, report)?;
        let mut counts_as = if report.shorter {
            BTreeSet::new()
        } else {
            inherited(record, node, report)
        };
        if is_fit(report, self.settings.mutant) {
            counts_as.insert(member.incarnation.clone());
        }
        let primary = record.primary.as_ref();
        let ruled = primary.is_some_and(|p| p.node == *node && counts_as.contains(&p.incarnation));
        let stamp = self.stamp(report);
        let epoch = stamp.unwrap_or_default().epoch;
        Some(Candidate {
            position: living.map_or(Position { epoch, offset: 0 }, |c| c.position),
            member,
            counts_as,
            stamp,
            ruled,
            priority: report.priority,
            unread_by: 0,
        })
    }

    fn stamp(&self, report: &Report) -> Option<Stamp> {
        if self.settings.mutant != Mutant::OffsetInsteadOfStamp {
            return report.stamp;
        }
        let noted = report.stored?;
        Some(Stamp {
            epoch: noted.epoch,
            number: noted.offset,
        })
    }
}

/// The runs of this node that it is heard in place of, by what its disk holds.
pub(super) fn inherited(record: &Record, node: &Node, report: &Report) -> BTreeSet<Incarnation> {
    let Some(address) = &report.address else {
        return BTreeSet::new();
    };
    let runs = report.disk.iter();
    runs.filter(|run| record.looks_for(node, run, address))
        .cloned()
        .collect()
}
