//! Whom to choose.

use super::heirs::inherited;
use super::{GroupState, NodeState, SentinelCore};
use crate::limits::SILENT_MAX;
use crate::mutant::Mutant;
use crate::names::{Group, Incarnation, Node};
use crate::position::Position;
use crate::record::{Member, Record};
use crate::snapshot_format::is_unreadable;
use crate::stamp::Stamp;
use crate::wire::{Report, ServerState};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// A node that may be chosen, and how far its data reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) member: Member,
    /// The incarnations as which it is counted: its own, and those whose disk it has.
    pub(super) counts_as: BTreeSet<Incarnation>,
    /// Where somebody is judged by a disk: the stamp in the data.
    pub(super) stamp: Option<Stamp>,
    pub(super) position: Position,
    /// It ruled the newest reign and is judged by its disk: whatever it acknowledged is there.
    pub(super) ruled: bool,
    pub(super) priority: u32,
    /// Nodes of the group that surely could not read a copy of its data, for the age of their redis-server.
    pub(super) unread_by: usize,
}

/// How far somebody reaches: stamp, epoch, whether it ruled, offset.
type Reach = (Option<Stamp>, u64, bool, u64);

impl Candidate {
    /// Whether it is judged by what its disk holds.
    pub(super) fn is_by_disk(&self) -> bool {
        self.stamp.is_some() || self.ruled
    }

    /// Furthest first, and who ruled before those who only copied; then one whose copies all others can read; then the smaller
    /// priority number; then the name.
    fn rank(&self) -> (Reverse<Reach>, usize, u32, &Node) {
        let (epoch, offset) = (self.position.epoch, self.position.offset);
        let reach = (self.stamp, epoch, self.ruled, offset);
        (
            Reverse(reach),
            self.unread_by,
            self.priority,
            &self.member.node,
        )
    }

    /// How far it reaches, in the measure by which all are compared that take part: stamps, or else positions.
    pub(super) fn reach(&self) -> Position {
        let marked = |stamp: Stamp| Position {
            epoch: stamp.epoch,
            offset: stamp.number,
        };
        self.stamp.map_or(self.position, marked)
    }
}

/// The best of `candidates`.
pub(super) fn best(candidates: Vec<Candidate>) -> Option<Candidate> {
    candidates
        .into_iter()
        .min_by(|a, b| a.rank().cmp(&b.rank()))
}

/// The node in the incarnation and at the address that it reported.
pub(super) fn member(node: &Node, report: &Report) -> Option<Member> {
    let (incarnation, address) = (report.incarnation.clone()?, report.address.clone()?);
    Some(Member {
        node: node.clone(),
        incarnation,
        address,
        server: report.server.clone(),
    })
}

impl GroupState {
    /// Notes of each candidate how many nodes of the group could not read a copy of it.
    pub(super) fn count_readers(&self, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        let servers = self
            .nodes
            .values()
            .filter_map(|n| n.report.as_ref()?.server.as_ref());
        for candidate in &mut candidates {
            if let Some(own) = &candidate.member.server {
                let unread = servers.clone().filter(|other| is_unreadable(own, other));
                candidate.unread_by = unread.count();
            }
        }
        candidates
    }
}

/// Whether this incarnation has a vote: in step with the group once, with a data set that is whole.
pub(super) fn is_fit(report: &Report, mutant: Mutant) -> bool {
    // An agent takes its word back when its redis-server loads, too: the planted bug is without either.
    let careless = mutant == Mutant::AcceptLoading && report.state == ServerState::Loading;
    let loaded = report.state == ServerState::Up || careless;
    let known = report.caught_up || careless || mutant == Mutant::IgnoreIncarnation;
    let whole = !report.syncing && !report.blank && report.doubt.is_empty();
    loaded && known && whole && !report.foreign
}

/// Whose history a node has, as it knows by itself or by this record, and how far it is in that.
pub(super) fn position_of(record: Option<&Record>, report: &Report) -> Option<Position> {
    let known = Some(report.history).filter(|epoch| *epoch > 0);
    let recorded = record.and_then(|record| record.epoch_of(&report.replid));
    let epoch = known.max(recorded)?;
    let offset = report.offset;
    Some(Position { epoch, offset })
}

impl SentinelCore {
    /// How far a fit node reaches; none if its history is unknown to the group.
    fn position(&self, record: &Record, report: &Report) -> Option<Position> {
        let told = position_of(Some(record), report)?;
        if self.settings.mutant == Mutant::CompareOffsetsOnly {
            return Some(Position { epoch: 0, ..told });
        }
        Some(record.place(told))
    }

    /// How far it reaches, if it has a vote.
    fn votes_at(&self, record: &Record, report: &Report) -> Option<Position> {
        let fit = is_fit(report, self.settings.mutant);
        self.position(record, report).filter(|_| fit)
    }

    pub(super) fn candidate(
        &self,
        record: &Record,
        node: &Node,
        report: &Report,
    ) -> Option<Candidate> {
        let position = self.votes_at(record, report)?;
        let member = member(node, report)?;
        let mut counts_as = BTreeSet::from([member.incarnation.clone()]);
        if record.is_on_disk() {
            counts_as.extend(inherited(record, node, report));
        }
        Some(Candidate {
            member,
            counts_as,
            stamp: None,
            position,
            ruled: false,
            priority: report.priority,
            unread_by: 0,
        })
    }

    /// Whether it is a candidate that may be chosen; nothing is copied for that.
    pub(super) fn may_rule(&self, record: &Record, report: &Report) -> bool {
        let named = report.incarnation.is_some() && report.address.is_some();
        named && report.priority > 0 && self.votes_at(record, report).is_some()
    }

    /// Whether somebody but the primary could take over.
    pub(super) fn has_heir(&self, name: &Group, record: &Record) -> bool {
        let Some(group) = self.groups.get(name) else {
            return false;
        };
        let others = reports(group).filter(|(node, _)| !record.names(node));
        let others = self.heard_of(record, &others.collect::<Vec<_>>());
        others.iter().any(|c| c.priority > 0) && self.suffices(record, &others)
    }
}

/// The reports of all connected nodes that were heard of late: what a silent one said may be long untrue.
pub(super) fn reports(group: &GroupState) -> impl Iterator<Item = (&Node, &Report)> {
    let newest = group.nodes.values().map(|n| n.heard_at).max().unwrap_or(0);
    let heard = move |n: &NodeState| n.linked && n.heard_at + SILENT_MAX >= newest;
    group
        .nodes
        .iter()
        .filter(move |(_, n)| heard(n))
        .filter_map(|(node, n)| Some((node, n.report.as_deref()?)))
}

/// The connected nodes of the group whose redis-server is about to have read its data.
pub(super) fn loading(group: &GroupState, record: &Record) -> Vec<String> {
    let busy = |r: &Report| matches!(r.state, ServerState::Loading | ServerState::Starting);
    let nodes = reports(group).filter(|(n, r)| record.nodes.contains(*n) && busy(r));
    nodes.map(|(n, _)| n.to_string()).collect()
}
