//! Whether those who are heard are enough to be sure that nothing released is lost.

use super::choice::Candidate;
use super::heirs::inherited;
use super::{GroupState, SentinelCore};
use crate::mutant::Mutant;
use crate::names::{Incarnation, Node};
use crate::record::Record;
use crate::syncset::{FormerRule, Heard, SyncRule, may_elect};
use crate::wire::{Report, ServerState};
use std::collections::BTreeSet;

impl SentinelCore {
    /// Whether the furthest of `hot` surely has everything: they satisfy the rules, or the primary that is being revoked
    /// is among them, which has all that it ever released.
    pub(super) fn suffices(&self, record: &Record, hot: &[Candidate]) -> bool {
        let named = |c: &Candidate| {
            let node = c.member.node.clone();
            let counted = self.counted(record, c).into_iter();
            counted.map(move |incarnation| (node.clone(), incarnation))
        };
        let heard: Heard = hot.iter().flat_map(named).collect();
        let ruler = record.primary.as_ref();
        let whole = ruler.is_some_and(|r| {
            hot.iter()
                .any(|c| c.member.node == r.node && c.counts_as.contains(&r.incarnation))
        });
        let reach = hot.iter().map(|c| c.position.epoch).max().unwrap_or(0);
        whole || may_elect(&record.sync, self.former(record), &heard, reach)
    }

    fn former<'a>(&self, record: &'a Record) -> &'a [FormerRule] {
        if self.settings.mutant == Mutant::SkipPreviousRule {
            &[]
        } else {
            &record.former
        }
    }

    /// The incarnations as which a node is counted.
    fn counted(&self, record: &Record, heard: &Candidate) -> BTreeSet<Incarnation> {
        let member = record.sync.members.get(&heard.member.node);
        let named = member.filter(|_| self.settings.mutant == Mutant::IgnoreIncarnation);
        named.map_or_else(|| heard.counts_as.clone(), |named| [named.clone()].into())
    }

    /// Whether those who were in step can never be enough again: the primary and too many members have ended.
    /// What they held can then only be on their disks.
    pub(super) fn is_void(&self, group: &GroupState, record: &Record, hot: &[Candidate]) -> bool {
        let reach = hot.iter().map(|c| c.position.epoch).max().unwrap_or(0);
        let ended = |node: &Node, incarnation: &Incarnation| {
            let report = group.nodes.get(node).and_then(|n| n.report.as_ref());
            // Where acknowledgements are on disks, one ends with its files.
            let kept = |r: &Report| {
                record.is_on_disk() && inherited(record, node, r).contains(incarnation)
            };
            report.is_some_and(|r| has_ended(r, incarnation) && !kept(r))
        };
        let lost = |rule: &SyncRule| {
            let alive = rule.members.iter().filter(|(n, i)| !ended(n, i)).count();
            rule.k > 0 && alive + rule.k <= rule.members.len()
        };
        let ruler = record.primary.as_ref();
        let former = self.former(record).iter().filter(|f| f.until >= reach);
        let former = former.map(|former| &former.rule);
        ruler.is_none_or(|r| ended(&r.node, &r.incarnation))
            && former.chain([&record.sync]).any(lost)
    }

    /// Whether the disks of those who are back would be enough, were each still what it was: the old primary's, or
    /// those of enough members.
    pub(super) fn names_suffice(&self, record: &Record, back: &[(&Node, &Report)]) -> bool {
        let has_data = |r: &Report| !r.blank && !r.foreign && r.doubt.is_empty();
        let with_data = || back.iter().filter(|(_, r)| has_data(r));
        let named = |rule: &SyncRule| -> Heard {
            with_data()
                .filter_map(|(n, _)| Some(((*n).clone(), rule.members.get(*n)?.clone())))
                .collect()
        };
        let enough = |rule: &SyncRule| rule.may_elect(&named(rule));
        with_data().any(|(n, _)| record.names(n))
            || (enough(&record.sync) && self.former(record).iter().all(|f| enough(&f.rule)))
    }
}

/// Whether this incarnation runs no more or has lost its vote, as the node's own agent says.
fn has_ended(report: &Report, incarnation: &Incarnation) -> bool {
    match &report.incarnation {
        Some(now) if now == incarnation => {
            report.state == ServerState::Down
                || (report.state == ServerState::Up && !report.caught_up)
        }
        Some(_) => true,
        // An agent that has just started, and its redis-server has not.
        None => matches!(report.state, ServerState::Starting | ServerState::Down),
    }
}
