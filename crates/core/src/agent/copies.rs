//! Full copies of the primary's data: never begun where they surely cannot be loaded, and after growing pauses where they fail.
//!
//! A redis-server whose copy failed asks for the next one at once, up to ten times a second, and each costs its primary a
//! snapshot. Before 7.4 it has also emptied its memory by then.

use super::{Agent, AgentOutput, Decision};
use crate::mutant::Mutant;
use crate::record::Record;
use crate::snapshot_format::is_unreadable;
use crate::time::Millis;

/// Pause after the first copy that failed; twice as long after each further one.
const PAUSE_MIN: Millis = 1_000;

/// Longest pause between copies that fail.
const PAUSE_MAX: Millis = 60_000;

/// How the copies from one primary went.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    /// One was under way when redis-server was last looked at.
    under_way: bool,
    /// So many in a row did not succeed.
    failed: u32,
    /// None is begun before.
    next_at: Millis,
    /// What redis-server said of the last one that failed.
    cause: String,
    /// It said so since its link was last up, of whichever primary's copy.
    said: bool,
    /// It was told that none is begun, because it could not be loaded.
    held: bool,
}

impl Copies {
    /// One is under way, also where no look has seen it.
    pub(super) fn begin(&mut self) {
        self.under_way = true;
    }

    fn fail(&mut self, now: Millis, cause: Option<String>) {
        self.under_way = false;
        self.next_at = now + (PAUSE_MIN << self.failed.min(6)).min(PAUSE_MAX);
        self.failed += 1;
        if let Some(cause) = cause {
            self.cause = cause;
        }
    }
}

impl Agent {
    /// Notes how a copy goes, from a look at redis-server.
    pub(super) fn notice_copy(&mut self, now: Millis, out: &mut Vec<AgentOutput>) {
        let succeeded = self.info.link_up || self.has_copied();
        if succeeded || !self.standing.is_following() {
            if succeeded {
                self.copies = Copies::default();
            }
            self.copies.under_way = false;
        } else if self.info.syncing || self.info.loading {
            self.copies.under_way = true;
        } else if self.copies.under_way {
            self.copies.fail(now, None);
            self.tell_failed(out);
        }
    }

    /// One failed, maybe between two looks; redis-server may ask for the next one already.
    pub(super) fn on_copy_failed(&mut self, now: Millis, why: String, out: &mut Vec<AgentOutput>) {
        self.expect_loss();
        self.copies.said = true;
        if self.standing.is_following() {
            self.copies.fail(now, Some(why));
            self.tell_failed(out);
        }
    }

    /// redis-server ended while it copied.
    pub(super) fn notice_end_of_copy(&mut self, now: Millis, reason: &str) {
        if self.copies.under_way {
            self.copies.fail(now, Some(reason.to_owned()));
        }
    }

    /// Another primary, another chance.
    pub(super) fn forget_copies(&mut self) {
        self.copies = Copies {
            said: self.copies.said,
            ..Copies::default()
        };
    }

    /// Another run of redis-server has said nothing of copies yet.
    pub(super) fn forget_said(&mut self) {
        self.copies.said = false;
    }

    /// The first failure is worth a decision; how it goes on is shown as the node's reason.
    fn tell_failed(&mut self, out: &mut Vec<AgentOutput>) {
        self.urgent = true;
        if self.copies.failed == 1
            && let Some(why) = self.why_not_copying()
        {
            out.push(AgentOutput::Decide(Decision::CopiesFail(why)));
        }
    }

    /// Tells once that copies are held back.
    pub(super) fn notice_held_copies(&mut self, out: &mut Vec<AgentOutput>) {
        let held = self.record.as_ref().is_some_and(|r| self.is_held(r));
        if held != std::mem::replace(&mut self.copies.held, held) {
            self.urgent = true;
            if let Some(why) = self.why_not_copying().filter(|_| held) {
                out.push(AgentOutput::Decide(Decision::CopiesFail(why)));
            }
        }
    }

    /// Whether redis-server must not ask this record's primary for a copy now.
    pub(super) fn may_not_copy(&self, record: &Record, now: Millis) -> bool {
        self.is_held(record) || (self.copies.failed > 0 && now < self.copies.next_at)
    }

    /// Whether it surely needs a copy, and surely could not load it. What is missing may still be in the primary's backlog
    /// where both go by the same history; a copy that was begun anyway is proof of the contrary, and so is one that failed
    /// since the link was last up: redis-server has forgotten by then how far it was.
    fn is_held(&self, record: &Record) -> bool {
        if self.settings.mutant == Mutant::CopyWhatCannotBeRead {
            return false;
        }
        let others = record.primary.as_ref();
        let others = others.filter(|p| p.node != self.settings.node && !self.info.link_up);
        let Some(from) = others.and_then(|p| p.server.as_ref()) else {
            return false;
        };
        let Copies {
            under_way,
            failed,
            held,
            said,
            ..
        } = self.copies;
        let begun = under_way || failed > 0 || held || said;
        let needs_one = begun || record.epoch_of(&self.info.replid).is_none();
        needs_one && self.runs_as().is_some_and(|to| is_unreadable(from, &to))
    }

    /// Why it is not in step with its primary, if copies fail or are held back.
    pub(super) fn why_not_copying(&self) -> Option<String> {
        let record = self.record.as_ref()?;
        let primary = record.primary.as_ref()?;
        let name = &primary.node;
        if self.is_held(record) {
            let (from, to) = (primary.server.as_ref()?, self.runs_as()?);
            return Some(format!(
                "cannot read a copy of {from} ({name}), since its own redis-server is {to}, so it begins none: upgrade this node"
            ));
        }
        let Copies { failed, cause, .. } = &self.copies;
        let cause = if cause.is_empty() {
            "its server.log may say why"
        } else {
            cause
        };
        (*failed > 0).then(|| {
            format!("{failed} copies in a row from {name} failed ({cause}); the pauses between them grow to {} s", PAUSE_MAX / 1000)
        })
    }
}

#[cfg(test)]
mod tests;
