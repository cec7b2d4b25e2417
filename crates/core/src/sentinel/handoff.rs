//! A planned change of primary: pause, catch up, switch. No write is lost.

use super::choice::{Candidate, best, reports};
use super::{Answer, Decision, SentinelCore, SentinelOutput, Wish};
use crate::limits::RANK_STEP;
use crate::mutant::Mutant;
use crate::names::{Epoch, Group, Node};
use crate::position::Position;
use crate::record::{Phase, Record};
use crate::server_version::ServerVersion;
use crate::snapshot_format::is_downgrade;
use crate::time::Millis;
use crate::wire::Report;

/// A replica this many bytes behind would keep the primary paused for too long.
const LAG_MAX: u64 = 8 << 20;

/// A primary that has not answered its agent for this long is at work on something that a pause would wait for.
const BUSY: Millis = 300;

/// A request waits this long for a replica that is fit to take over.
const HEIR_WITHIN: Millis = 2_000;

/// A request for a handoff is given up after this long.
const ANSWER_WITHIN: Millis = 5_000;

/// A primary that cannot write is replaced at most this often, so that two of that kind do not take turns.
const AILING_PACE: Millis = 1_000;

/// Most requests that wait for one handoff.
pub(super) const ASKED_MAX: usize = 64;

/// Somebody who waits for a handoff to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) id: u64,
    pub(super) at: Millis,
    pub(super) epoch: Epoch,
    pub(super) from: Option<Node>,
    pub(super) to: Option<Node>,
    /// Also where its redis-server is older than the primary's.
    pub(super) downgrade: bool,
}

impl SentinelCore {
    /// Begins a handoff that was asked for, or that a leaving primary needs.
    pub(super) fn drive_handoff_wish(
        &mut self,
        now: Millis,
        name: &Group,
        record: &Record,
        rank: u64,
    ) -> bool {
        let Some(group) = self.groups.get(name) else {
            return false;
        };
        let report = record
            .primary
            .as_ref()
            .and_then(|p| group.nodes.get(&p.node)?.report.as_ref());
        let leaving = report.is_some_and(|r| r.leaving);
        let ailing = report.is_some_and(|r| r.ailing) && now >= group.since + AILING_PACE;
        // A request is for the reign in which it was made, and stands until that ends or it is answered.
        let asked = group.asked.iter().find(|asked| asked.epoch == record.epoch);
        let asked = asked.map(|asked| (asked.to.clone(), asked.downgrade));
        // A leaving primary tells every sentinel; the one whose turn it is acts.
        if asked.is_none() && !((leaving || ailing) && now >= group.since + rank * RANK_STEP) {
            return false;
        }
        // One that has to go goes, also to an older server.
        let (wish, downgrade, why) = match asked {
            Some((to, downgrade)) => (to, downgrade, Wish::Asked),
            None if leaving => (None, true, Wish::Leaving),
            None => (None, true, Wish::Ailing),
        };
        match self.heir(name, record, wish.as_ref(), downgrade) {
            Ok(target) => {
                let to = target.member.node;
                let reason = Decision::HandoffBegun {
                    from: record.primary.as_ref().map(|p| p.node.clone()),
                    to: to.clone(),
                    why,
                };
                let next = record.electing(Some(to), &self.settings.name, reason);
                self.propose(now, name, next);
            }
            // A replica that is about to be in step is worth a moment.
            Err(_) if self.may_wait(now, name) => return false,
            Err(why) => self.refuse_handoff(name, &format!("NOGOODSLAVE {why}")),
        }
        true
    }

    fn may_wait(&self, now: Millis, name: &Group) -> bool {
        self.groups
            .get(name)
            .is_some_and(|group| group.asked.iter().any(|asked| now < asked.at + HEIR_WITHIN))
    }

    fn refuse_handoff(&mut self, name: &Group, why: &str) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        for asked in std::mem::take(&mut group.asked) {
            self.out.push(SentinelOutput::Answer {
                id: asked.id,
                result: Err(why.to_owned()),
            });
        }
    }

    /// The replica to hand over to: the wanted one if it is fit, else the furthest. One whose redis-server is older than the
    /// primary's only if `downgrade`, and if there is no other.
    pub(super) fn heir(
        &self,
        name: &Group,
        record: &Record,
        wish: Option<&Node>,
        downgrade: bool,
    ) -> Result<Candidate, String> {
        let group = self.groups.get(name).ok_or("unknown group")?;
        let ruler = record.primary.as_ref().ok_or("there is no primary")?;
        if wish == Some(&ruler.node) {
            return Err(format!("{} is the primary already", ruler.node));
        }
        let leader = group
            .nodes
            .get(&ruler.node)
            .and_then(|n| n.report.as_ref())
            .ok_or("the primary is not connected")?;
        if leader.condition.word().is_some() {
            return Err(format!(
                "{}: {}; try again later",
                ruler.node, leader.reason
            ));
        }
        if leader.unanswered_ms > BUSY {
            let ms = leader.unanswered_ms;
            return Err(format!(
                "{} has not answered for {ms} ms: a long command is at work; try again later",
                ruler.node
            ));
        }
        let close = |r: &Report| {
            r.link_up && r.replid == leader.replid && r.offset + LAG_MAX >= leader.offset
        };
        // Nor one that is about to stop itself: when a group shrinks, several go at once.
        let stays = |r: &Report| !r.ailing && !r.leaving && r.condition.word().is_none();
        let fit = reports(group).filter(|(n, r)| **n != ruler.node && close(r) && stays(r));
        let fit = fit
            .filter_map(|(n, r)| self.candidate(record, n, r))
            .filter(|c| c.priority > 0);
        let fit: Vec<Candidate> = fit
            .filter(|c| wish.is_none_or(|w| c.member.node == *w))
            .collect();
        let blind = self.settings.mutant == Mutant::HandOverBackwards;
        let older = |c: &Candidate| {
            let (from, to) = (leader.server.as_ref(), c.member.server.as_ref());
            from.zip(to)
                .is_some_and(|(from, to)| is_downgrade(from, to) && !blind)
        };
        let (back, on): (Vec<_>, Vec<_>) = group.count_readers(fit).into_iter().partition(older);
        if on.is_empty()
            && !downgrade
            && let Some(back) = best(back.clone())
        {
            return Err(way_back(&ruler.node, leader, &back));
        }
        best(if on.is_empty() { back } else { on }).ok_or_else(|| match wish {
            Some(wish) => format!("{wish} is not a connected replica in step with the primary"),
            None => "no replica is connected and in step with the primary".to_owned(),
        })
    }

    /// Answers those who wait when the group is stable again.
    pub(super) fn tend_asked(&mut self, now: Millis, name: &Group) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        if group.asked.is_empty() {
            return;
        }
        let primary = group
            .record
            .as_ref()
            .filter(|r| r.phase == Phase::Stable)
            .and_then(|r| Some((r.epoch, r.primary.clone()?)));
        let open = primary.as_ref().is_some_and(|(epoch, p)| {
            group
                .nodes
                .get(&p.node)
                .and_then(|n| n.report.as_ref())
                .is_some_and(|r| r.open && r.promoted == *epoch)
        });
        let pause_ms = group.paused_at.map_or(0, |at| now.saturating_sub(at));
        let mut rest = Vec::new();
        let mut answers = Vec::new();
        for asked in std::mem::take(&mut group.asked) {
            match &primary {
                Some((epoch, p)) if *epoch > asked.epoch && open => {
                    answers.push((asked.id, conclude(&asked, *epoch, &p.node, pause_ms)));
                }
                _ if now >= asked.at + ANSWER_WITHIN => {
                    let text = format!("not done within {ANSWER_WITHIN} ms; see `holdfast status`");
                    answers.push((asked.id, Err(text)));
                }
                _ => rest.push(asked),
            }
        }
        group.asked = rest;
        for (id, result) in answers {
            self.out.push(SentinelOutput::Answer { id, result });
        }
    }
}

/// Why a handoff to an older server is refused.
fn way_back(ruler: &Node, leader: &Report, heir: &Candidate) -> String {
    let said =
        |server: Option<&ServerVersion>| server.map_or_else(String::new, ToString::to_string);
    let (node, old) = (&heir.member.node, said(heir.member.server.as_ref()));
    let new = said(leader.server.as_ref());
    format!(
        "{node} runs {old}, a step back from {new} of {ruler}, which may have written what {old} does not know: \
         `holdfast failover --to {node} --allow-downgrade` if that is meant"
    )
}

fn conclude(
    asked: &Asked,
    epoch: Epoch,
    now_primary: &Node,
    pause_ms: Millis,
) -> Result<Answer, String> {
    let from = asked
        .from
        .as_ref()
        .map_or_else(|| "nobody".to_owned(), ToString::to_string);
    if asked.from.as_ref() == Some(now_primary)
        || asked.to.as_ref().is_some_and(|to| to != now_primary)
    {
        return Err(format!(
            "the handoff did not succeed; {now_primary} is the primary in epoch {epoch}"
        ));
    }
    let text = format!(
        "handed over from {from} to {now_primary} in epoch {epoch}; writes paused for {pause_ms} ms"
    );
    Ok(Answer {
        from: asked.from.clone(),
        to: Some(now_primary.clone()),
        epoch,
        pause_ms,
        text,
    })
}

/// Where the furthest candidate stands, for display.
pub(super) fn behind(leader: Position, follower: Position) -> Option<u64> {
    (leader.epoch == follower.epoch).then(|| leader.offset.saturating_sub(follower.offset))
}
