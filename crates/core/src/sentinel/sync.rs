//! The sync set inside a reign: who is taken in, who is taken out, and when a former rule may be forgotten.
//!
//! ```text
//!  record { sync: S', former: [S] } ─▶ the gate goes by S', and confirms once S' has all that S released
//!        ▲                                                   │
//!        └── who is in step, who is not ─── record { sync: S' } ◀┘
//! ```
//!
//! Until the confirmation an election satisfies S and S', so it does not matter when the gate changes over.

use super::choice::{Candidate, member, reports};
use super::{Decision, GroupState, NodeState, SentinelCore};
use crate::limits::{DEGRADE_AFTER, OUT_AFTER, REJOIN_AFTER};
use crate::mutant::Mutant;
use crate::names::{Group, Node};
use crate::record::{Member, OnLossOfQuorum, Phase, Record};
use crate::syncset::SyncRule;
use crate::time::Millis;
use crate::wire::{Report, ServerState};

/// A replica that is this many bytes behind would hold replies back: it follows outside of the sync set until it is closer.
const LAG_MAX: u64 = 8 << 20;

impl SentinelCore {
    /// The rule of a new reign: whoever has a vote and is not the primary itself. What they acknowledge counts from the
    /// moment at which they follow it, so it does no harm to name one that is slow.
    pub(super) fn rule_of_reign(
        &self,
        name: &Group,
        record: &Record,
        primary: &Member,
    ) -> SyncRule {
        let Some(group) = self.groups.get(name).filter(|_| record.terms.k() > 0) else {
            return SyncRule::default();
        };
        let others = reports(group).filter(|(node, r)| **node != primary.node && !r.leaving);
        let fit: Vec<Member> = others
            .filter(|(_, r)| keeps(r, record))
            .filter_map(|(node, r)| self.candidate(record, node, r))
            .filter(|c: &Candidate| c.priority > 0)
            .map(|c| c.member)
            .collect();
        let wished = record.terms.k();
        let k = if fit.len() >= wished {
            wished
        } else {
            record.k()
        };
        SyncRule::of(fit.into_iter().filter(|_| k > 0), k).on_disk(record.terms.on_disk())
    }

    /// Does the next thing for the sync set of a reign, if there is anything. Returns whether it did.
    pub(super) fn drive_sync(
        &mut self,
        now: Millis,
        name: &Group,
        record: &Record,
        rank: u64,
    ) -> bool {
        let Some(group) = self.groups.get(name) else {
            return false;
        };
        let (wished, by) = (group.config.terms, self.settings.name.clone());
        if wished == record.terms
            && wished.k() == 0
            && record.sync.k == 0
            && record.former.is_empty()
        {
            return false;
        }
        // Each looks, so that whoever drives next knows; one acts.
        self.note_steps(now, name, record);
        self.note_shortage(now, name, record, rank);
        if rank > 0 {
            return false;
        }
        let next = if wished == record.terms {
            self.forget_former(name, record)
                .or_else(|| self.better_rule(now, name, record))
        } else {
            Some(record.with_terms(wished, &by, Decision::TermsChanged(wished)))
        };
        let Some(next) = next else { return false };
        self.propose(now, name, next);
        true
    }

    /// Notes since when each node is in step with the primary, or is not.
    fn note_steps(&mut self, now: Millis, name: &Group, record: &Record) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        // Without the primary's word nobody can be told to be behind it.
        let Some(leader) = ruler(group, record) else {
            return;
        };
        let judge = |(node, report)| {
            let lags = lags(leader, record, node, report);
            let steady = in_step(report, leader, record) && self.may_rule(record, report);
            (steady && !lags, lags)
        };
        // In the order of the nodes, as they are below; those that were not heard of late have no step.
        let steps: Vec<(bool, bool)> = {
            let mut heard = reports(group).peekable();
            let step = |node| {
                heard
                    .next_if(|(n, _)| *n == node)
                    .map_or((false, false), judge)
            };
            group.nodes.keys().map(step).collect()
        };
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        for (state, (steady, lags)) in group.nodes.values_mut().zip(steps) {
            state.note_step(now, steady, lags);
        }
    }

    /// Tells when writes are held because too few members are in step, and when they are not any more.
    fn note_shortage(&mut self, now: Millis, name: &Group, record: &Record, rank: u64) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let is_here = |node: &&Node| {
            let state = group.nodes.get(*node);
            let state = state.filter(|s| s.behind_since.is_none());
            let report = state.and_then(|s| s.report.as_ref());
            report.is_some_and(|report| counts(record, node, report))
        };
        let here = record.sync.members.keys().filter(is_here).count();
        let short = here < record.sync.k;
        if short == group.short_since.is_some() {
            return;
        }
        group.short_since = short.then_some(now);
        if rank > 0 {
            return;
        }
        let told = if short {
            Decision::RepliesHeld(here, record.sync.k)
        } else {
            Decision::RepliesReleased(here)
        };
        self.decide(name, told);
    }

    /// Nothing released is known to a former rule alone any more.
    fn forget_former(&self, name: &Group, record: &Record) -> Option<Record> {
        let leader = ruler(self.groups.get(name)?, record)?;
        let early = self.settings.mutant == Mutant::ForgetFormerRule;
        if !record.is_joint() || (leader.confirmed < record.sync_at && !early) {
            return None;
        }
        let reason = Decision::RuleConfirmed(record.sync_at);
        Some(record.confirmed(&self.settings.name, reason))
    }

    /// A rule that suits better who is in step, if there is one.
    fn better_rule(&self, now: Millis, name: &Group, record: &Record) -> Option<Record> {
        let group = self.groups.get(name)?;
        ruler(group, record)?;
        let members: Vec<Member> = group
            .nodes
            .iter()
            .filter(|(node, _)| record.nodes.contains(*node) && !record.names(node))
            .filter(|(node, state)| belongs(now, record, node, state))
            .filter_map(|(node, state)| member(node, state.report.as_ref()?))
            .collect();
        let k = k_now(now, group, record, &members);
        if members.len() < k {
            return None;
        }
        let next = SyncRule::of(members.into_iter().filter(|_| k > 0), k);
        let next = next.on_disk(record.terms.on_disk());
        // One change at a time, unless the present rule cannot be kept at all.
        let waits = record.is_joint() && group.short_since.is_none();
        if waits || next == record.sync {
            return None;
        }
        let reason = Decision::RuleChanged {
            rule: next.clone(),
            wished: record.terms.k(),
        };
        Some(record.with_rule(next, &self.settings.name, reason))
    }
}

/// The primary's own word, in this reign and incarnation.
fn ruler<'a>(group: &'a GroupState, record: &Record) -> Option<&'a Report> {
    let primary = record.primary.as_ref()?;
    let (_, report) = reports(group).find(|(n, _)| **n == primary.node)?;
    let same = report.incarnation.as_ref() == Some(&primary.incarnation);
    let rules = record.phase == Phase::Stable && report.promoted == record.epoch;
    (same && rules && report.state == ServerState::Up).then_some(report)
}

/// It is a member, and holds replies back. Of one that the gate cannot know it can tell nothing.
fn lags(leader: &Report, record: &Record, node: &Node, report: &Report) -> bool {
    leader.lagging.contains(node) && counts(record, node, report)
}

/// What it acknowledges counts: it is the run that the rule names, at the address that the rule names, and no other member
/// is named there. One that came back as another run or elsewhere waits for another rule. Rules of an older Holdfast name
/// no addresses.
fn counts(record: &Record, node: &Node, report: &Report) -> bool {
    let rule = &record.sync;
    let here = report.address.as_ref();
    let mut others = rule.addresses.iter().filter(|(other, _)| *other != node);
    let named = rule.addresses.get(node);
    report.incarnation.is_some()
        && rule.members.get(node) == report.incarnation.as_ref()
        && named.is_none_or(|named| Some(named) == here)
        && !others.any(|(_, address)| Some(address) == here)
}

/// What it acknowledges is on its disk, where the group asks for that.
fn keeps(report: &Report, record: &Record) -> bool {
    let own = report.incarnation.as_ref();
    !record.terms.on_disk() || own.is_some_and(|own| report.disk.contains(own))
}

/// It follows this very primary, and closely.
fn in_step(report: &Report, leader: &Report, record: &Record) -> bool {
    report.link_up
        && keeps(report, record)
        && !report.leaving
        && report.history == record.epoch
        && report.offset + LAG_MAX >= leader.offset
}

/// Whether a node is to be a member: one that is in step, or one that was a moment ago.
fn belongs(now: Millis, record: &Record, node: &Node, state: &NodeState) -> bool {
    let is_member = record
        .sync
        .members
        .get(node)
        .is_some_and(|i| Some(i) == state.incarnation());
    let leaving = state.report.as_ref().is_some_and(|r| r.leaving);
    let down = state
        .report
        .as_ref()
        .is_none_or(|r| r.state == ServerState::Down);
    match state.behind_since {
        None => is_member || state.lagged_at.is_none_or(|at| now >= at + REJOIN_AFTER),
        Some(since) => {
            let lags = state.lagged_at.is_some_and(|at| at >= since);
            is_member && !leaving && !down && !lags && now < since + OUT_AFTER
        }
    }
}

/// The k that can be asked for now. It is only lowered where the group has asked for that.
fn k_now(now: Millis, group: &GroupState, record: &Record, members: &[Member]) -> usize {
    let (wished, here) = (record.terms.k(), members.len());
    let degrades = record.terms.on_loss_of_quorum == OnLossOfQuorum::Degrade;
    let long = group
        .short_since
        .is_some_and(|since| now >= since + DEGRADE_AFTER);
    let present = record.k().min(wished);
    if here >= wished {
        wished
    } else if degrades && (long || here > present) {
        here
    } else {
        present
    }
}
