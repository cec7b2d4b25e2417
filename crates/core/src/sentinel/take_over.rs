//! While a handoff is under way: the primary pauses, its successor takes over, the register says so.
//!
//! ```text
//!  record: electing, for the target ─▶ the primary pauses at X ─▶ take over at X ─▶ the target is promoted, refusing writes
//!                                                                                            │
//!                                          the target opens ◀── record: stable ◀─────────────┘
//! ```
//!
//! Where replies wait for replicas, the others follow the target from its promotion on, and are there when it opens.
//! One write of the register lies in the pause. A target that does not understand the word, or is slow, is appointed
//! as after an election.

use super::choice::{member, reports};
use super::{Decision, GroupState, Merit, SentinelCore, SentinelOutput};
use crate::limits::HANDOFF_MAX;
use crate::mutant::Mutant;
use crate::names::{Group, Node};
use crate::position::Position;
use crate::record::{Member, Record, Reign};
use crate::time::Millis;
use crate::wire::{FollowAhead, FromSentinel, Report, ServerState, TakeOver};

/// A target that has everything and has not taken over by itself after this long is appointed first.
const BY_ITSELF: Millis = 25;

impl SentinelCore {
    /// Ends the handoff once the target has all that the paused primary has, or gives it up.
    pub(super) fn drive_handoff(
        &mut self,
        now: Millis,
        name: &Group,
        record: &Record,
        target: &Node,
    ) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let (paused, report) = (paused(group, record), report_of(group, target));
        let successor = report.as_ref().and_then(|r| taken_over(record, target, r));
        if let (Some(successor), Some(report)) = (successor, &report) {
            if let Some(paused) = &paused {
                self.say_follow_ahead(name, record, &successor, paused);
            }
            self.hand_over(now, name, record, successor, report);
            return;
        }
        if let Some(paused) = &paused {
            self.say_take_over(now, name, record, target, paused);
        }
        if !self.appoint_waiting(now, name, record, target, paused.zip(report)) {
            self.give_up_failed(now, name, record, target);
        }
    }

    /// Tells the target once how far the paused primary reaches.
    fn say_take_over(
        &mut self,
        now: Millis,
        name: &Group,
        record: &Record,
        target: &Node,
        paused: &Report,
    ) {
        let hold = self.settings.mutant != Mutant::HandoffWithoutCatchUp;
        let Some(group) = self.groups.get_mut(name).filter(|g| g.paused_at.is_none()) else {
            return;
        };
        group.paused_at = Some(now);
        let word = TakeOver {
            version: record.version,
            replid: paused.replid.clone(),
            offset: if hold { paused.offset } else { 0 },
        };
        self.out.push(SentinelOutput::ToAgent {
            group: name.clone(),
            node: target.clone(),
            message: FromSentinel::TakeOver(word),
        });
    }

    /// Where replies wait for replicas, these come along while the register is written.
    fn say_follow_ahead(&mut self, name: &Group, record: &Record, to: &Member, paused: &Report) {
        let Some(group) = self.groups.get(name).filter(|_| record.sync.k > 0) else {
            return;
        };
        let word = FollowAhead {
            version: record.version,
            epoch: record.epoch,
            address: to.address.clone(),
            replid: paused.replid.clone(),
            offset: paused.offset,
        };
        let stay = |node: &Node| *node != to.node && !record.names(node);
        let nodes: Vec<Node> = reports(group)
            .filter(|(node, report)| stay(node) && report.link_up && report.replid == word.replid)
            .map(|(node, _)| node.clone())
            .collect();
        for node in nodes {
            self.out.push(SentinelOutput::ToAgent {
                group: name.clone(),
                node,
                message: FromSentinel::FollowAhead(word.clone()),
            });
        }
    }

    fn hand_over(
        &mut self,
        now: Millis,
        name: &Group,
        record: &Record,
        successor: Member,
        report: &Report,
    ) {
        let from = Position {
            epoch: record.epoch,
            offset: report.offset,
        };
        let reason = Decision::TookOver(successor.node.clone(), from);
        let reign = Reign {
            empty: false,
            ..self.reign(name, record, report)
        };
        let by = self.settings.name.clone();
        let rule = self.rule_of_reign(name, record, &successor);
        let next = record.handed_over(successor, reign, rule, &by, reason);
        self.propose(now, name, next);
    }

    /// The way without the word: an appointment, then the promotion.
    fn appoint_waiting(
        &mut self,
        now: Millis,
        name: &Group,
        record: &Record,
        target: &Node,
        both: Option<(Report, Report)>,
    ) -> bool {
        let paused_at = self.groups.get(name).and_then(|g| g.paused_at);
        if paused_at.is_none_or(|at| now < at + BY_ITSELF) {
            return false;
        }
        let hold = self.settings.mutant != Mutant::HandoffWithoutCatchUp;
        let ready = both.filter(|(old, new)| {
            let whole = new.offset >= old.offset || !hold;
            new.state == ServerState::Up && new.replid == old.replid && whole
        });
        let Some(candidate) = ready.and_then(|(_, r)| self.candidate(record, target, &r)) else {
            return false;
        };
        let reason = Decision::Appointed {
            node: candidate.member.node.clone(),
            epoch: record.epoch,
            merit: Merit::Paused(candidate.position),
        };
        let next = record.appointed_after_pause(candidate.member, &self.settings.name, reason);
        self.propose(now, name, next);
        true
    }

    fn give_up_failed(&mut self, now: Millis, name: &Group, record: &Record, target: &Node) {
        let Some((group, ruler)) = self.groups.get(name).zip(record.primary.as_ref()) else {
            return;
        };
        let lost = |node: &Node| !group.nodes.get(node).is_some_and(super::NodeState::is_up);
        let late = now >= group.since + HANDOFF_MAX;
        if late || lost(&ruler.node) || lost(target) || group.opinion.is_some() {
            let reason = Decision::HandoffGivenUp(target.clone());
            let next = record.resumed(None, &self.settings.name, reason);
            self.propose(now, name, next);
        }
    }
}

/// What the old primary says, once it is paused for this epoch in the incarnation that is being revoked.
fn paused(group: &GroupState, record: &Record) -> Option<Report> {
    let ruler = record.primary.as_ref()?;
    let node = group.nodes.get(&ruler.node).filter(|n| n.linked)?;
    let report = node.report.as_deref()?;
    let same = report.incarnation.as_ref() == Some(&ruler.incarnation);
    (same && report.paused == record.epoch).then(|| report.clone())
}

fn report_of(group: &GroupState, node: &Node) -> Option<Report> {
    reports(group)
        .find(|(n, _)| *n == node)
        .map(|(_, r)| r.clone())
}

/// The target as the primary to be, if it has been promoted for this epoch: it was told to, by whoever saw the old
/// primary pause, so that one is closed, and holds nothing more.
fn taken_over(record: &Record, target: &Node, report: &Report) -> Option<Member> {
    let promoted =
        report.promoted == record.epoch && report.is_master && report.state == ServerState::Up;
    member(target, report).filter(|_| promoted)
}
