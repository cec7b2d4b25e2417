//! What a sentinel knows of one node.

use crate::limits::{GONE_GRACE, REPORT_HELD, REPORT_REPLICA, SILENT_MAX};
use crate::names::Incarnation;
use crate::time::Millis;
use crate::wire::{Report, ServerState};
use std::sync::Arc;

/// A replica that has not been heard for this long is shown as silent.
const REPLICA_SILENT: Millis = 1500;

/// A record that another sentinel should have shown by now is shown by this one after this long.
const SHOW_ANYWAY: Millis = 30;

/// A record that was not taken is shown again after this long.
const SHOW_AGAIN: Millis = 100;

/// One node, as reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeState {
    /// Its agent is connected.
    pub linked: bool,
    /// When it was last heard.
    pub heard_at: Millis,
    /// When the other end closed its connection, if it did.
    pub gone_at: Option<Millis>,
    /// Its last report.
    pub report: Option<Arc<Report>>,
    /// Longest pause between its reports of late, in milliseconds, as if it had reported at the pace of a primary all the
    /// time; fades by and by.
    pub gap_ms: Millis,
    /// Version of the record last shown to it.
    pub shown_version: u64,
    /// Counted as down by this sentinel (replicas only; primaries are judged).
    pub down: bool,
    /// Since when it is not in step with the primary, as far as this sentinel has seen; none when it is.
    pub(super) behind_since: Option<Millis>,
    /// Since when it is a replica that may lack data which it had or never had: a full copy began, or none has ended yet.
    /// Clients that look for somebody to read from are not sent there.
    pub copying_since: Option<Millis>,
    /// When it last held replies back.
    pub(super) lagged_at: Option<Millis>,
    shown_at: Millis,
}

impl NodeState {
    pub(super) fn new(now: Millis) -> Self {
        Self {
            linked: false,
            heard_at: now,
            gone_at: None,
            report: None,
            gap_ms: 0,
            shown_version: 0,
            down: false,
            behind_since: Some(now),
            copying_since: None,
            lagged_at: None,
            shown_at: 0,
        }
    }

    /// Nothing was heard of it for so long that it is shown as silent.
    pub fn is_silent(&self, now: Millis) -> bool {
        now > self.heard_at + REPLICA_SILENT
    }

    /// Whether a replica in this state counts as down.
    pub(super) fn is_down(&self, now: Millis) -> bool {
        let gone = self.gone_at.is_some_and(|at| now > at + GONE_GRACE);
        let stopped = self
            .report
            .as_ref()
            .is_some_and(|r| matches!(r.state, ServerState::Down | ServerState::Hung));
        self.is_silent(now) || (!self.linked && gone) || stopped
    }

    pub(super) fn on_linked(&mut self, now: Millis) {
        self.linked = true;
        self.heard_at = now;
        self.gone_at = None;
        self.shown_version = 0;
    }

    pub(super) fn on_gone(&mut self, now: Millis, reset: bool) {
        self.linked = false;
        if reset {
            self.gone_at.get_or_insert(now);
        }
    }

    /// Takes a report. Returns whether it says anything that a decision may hang on.
    pub(super) fn on_report(&mut self, now: Millis, report: Arc<Report>, least: Millis) -> bool {
        let gap = now.saturating_sub(self.heard_at + self.leisure());
        // A silence for which it was suspected teaches at most half as much again as is tolerated now: one freeze
        // must not make the next one last longer.
        let learned = gap.min(self.silent_limit(least) / 2);
        self.gap_ms = learned.max(self.gap_ms - self.gap_ms / 64);
        self.heard_at = now;
        self.note_copy(now, &report);
        let before = self.report.as_ref();
        let news = before.is_none_or(|old| report.says_more_than(old));
        self.report = Some(report);
        news
    }

    /// A copy that failed may have emptied the replica, so only one that ended well ends this. A replica that lost its
    /// primary and did not begin to copy has what it had.
    fn note_copy(&mut self, now: Millis, report: &Report) {
        let whole = report.caught_up && report.link_up && !report.syncing;
        let began = report.syncing || !report.caught_up || report.state == ServerState::Loading;
        if report.is_master || whole {
            self.copying_since = None;
        } else if began {
            self.copying_since.get_or_insert(now);
        }
    }

    /// How much later than a primary's the next report of a replica is due: that is no lateness, and must not be held
    /// against the patience with it once it is primary.
    fn leisure(&self) -> Millis {
        let follows = self.report.as_ref().is_some_and(|r| !r.is_master);
        if follows {
            REPORT_REPLICA - REPORT_HELD
        } else {
            0
        }
    }

    /// Notes whether it is in step with the primary, and whether it holds replies back.
    pub(super) fn note_step(&mut self, now: Millis, in_step: bool, lags: bool) {
        self.behind_since = (!in_step).then(|| self.behind_since.unwrap_or(now));
        if lags {
            self.lagged_at = Some(now);
        }
    }

    pub(super) fn shown(&mut self, now: Millis, version: u64) {
        self.shown_version = version;
        self.shown_at = now;
    }

    /// Whether it still goes by an older version than this one, which is known here since `since` and was not shown
    /// to it of late.
    pub(super) fn lags(&self, now: Millis, version: u64, since: Millis) -> bool {
        let known = self.report.as_ref().map_or(0, |r| r.version);
        let patience = if self.shown_version < version {
            since + SHOW_ANYWAY
        } else {
            self.shown_at + SHOW_AGAIN
        };
        self.linked && known < version && now >= patience
    }

    /// The silence at which this node is suspected: what it needed of late, three times over, and
    /// never less than `least`.
    pub fn silent_limit(&self, least: Millis) -> Millis {
        (3 * self.gap_ms).clamp(least, SILENT_MAX)
    }

    /// Its incarnation, if it told.
    pub fn incarnation(&self) -> Option<&Incarnation> {
        self.report.as_ref()?.incarnation.as_ref()
    }

    /// Connected, and its redis-server answers.
    pub fn is_up(&self) -> bool {
        self.linked
            && self
                .report
                .as_ref()
                .is_some_and(|r| r.state == ServerState::Up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_failed_is_no_whole_copy() {
        let mut state = NodeState::new(0);
        let mut hear = |at, syncing, link_up| {
            let report = Report {
                state: ServerState::Up,
                caught_up: true,
                syncing,
                link_up,
                ..Report::default()
            };
            state.on_report(at, report.into(), 0);
            state.copying_since
        };
        assert_eq!(hear(1, false, true), None);
        assert_eq!(hear(2, false, false), None, "it lost its primary alone");
        assert_eq!(hear(3, true, false), Some(3));
        assert_eq!(hear(4, false, false), Some(3), "the copy failed");
        assert_eq!(hear(5, true, false), Some(3), "and begins again");
        assert_eq!(hear(6, false, true), None);
    }
}
