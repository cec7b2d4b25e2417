//! What one round showed.

use crate::check::Verdict;
use crate::clock::millis;
use crate::fault::Drill;
use crate::measure::{Outage, Timeline};
use crate::target::Against;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// One round of one drill against one system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoundResult {
    /// The drill.
    pub drill: Drill,
    /// The system under test.
    pub against: Against,
    /// Number of the round, from 1.
    pub round: usize,
    /// Why it was not run, if so.
    pub skipped: Option<String>,
    /// Why it could not be finished, if so: the group did not come back, for example.
    pub failed: Option<String>,
    /// How long nobody could write.
    pub outage: Outage,
    /// Acknowledged writes over time.
    #[serde(default)]
    pub timeline: Timeline,
    /// What the checkers found.
    pub verdict: Verdict,
}

impl RoundResult {
    /// A round with nothing in it yet.
    pub fn empty(drill: Drill, against: Against, round: usize) -> Self {
        let (outage, verdict) = (Outage::default(), Verdict::default());
        Self {
            drill,
            against,
            round,
            skipped: None,
            failed: None,
            outage,
            timeline: Timeline::default(),
            verdict,
        }
    }

    /// Whether it ran to its end.
    pub fn finished(&self) -> bool {
        self.skipped.is_none() && self.failed.is_none()
    }

    /// Whether it breaks a promise. `lossless`: acknowledged writes may never be lost. Stock Redis promises nothing.
    pub fn violates(&self, lossless: bool) -> bool {
        let lost = self.verdict.not_kept() > 0 && (lossless || self.drill.forbids_loss());
        self.against == Against::Holdfast
            && (self.failed.is_some()
                || self.verdict.broken()
                || lost
                || self.wiped()
                || self.fled())
    }

    /// Whether another primary was elected without need.
    fn fled(&self) -> bool {
        self.drill.forbids_switch() && self.verdict.switches > 0
    }

    /// Whether an emptied primary took the data of the others with it. Its death itself may cost the last few writes
    /// that no replica had, as any crash in `async` may; a wipe costs nearly all of them.
    fn wiped(&self) -> bool {
        self.drill == Drill::RestartEmpty
            && self.verdict.all_lost() * 100 > self.verdict.acknowledged
    }

    /// Microseconds that clients could not write: from the fault to the first write on the new primary, or the longest pause
    /// where the primary was not taken away.
    pub fn away(&self) -> u64 {
        if self.drill.measures_pause() {
            self.outage.longest_pause
        } else {
            self.outage.unavailable()
        }
    }

    /// The round in one line.
    pub fn line(&self) -> String {
        let head = format!(
            "{:>3} {:<20} {:<8}",
            self.round,
            self.drill.name(),
            self.against.to_string()
        );
        if let Some(why) = &self.skipped {
            return format!("{head} skipped: {why}");
        }
        if let Some(why) = &self.failed {
            return format!("{head} FAILED: {why}");
        }
        let verdict = &self.verdict;
        let mut line = format!(
            "{head} away {:>7.1} ms, lost {} + {} of {}",
            millis(self.away()),
            verdict.lost,
            verdict.lost_direct,
            verdict.acknowledged,
        );
        let counts = [
            (verdict.stale, "stale"),
            (verdict.resurrected, "resurrected"),
            (verdict.rolled_back, "rolled back"),
            (verdict.torn, "torn"),
            (verdict.disputed, "disputed"),
            (verdict.duplicated, "duplicated"),
            (verdict.phantom, "phantom"),
            (verdict.reordered, "reordered"),
            (verdict.foreign, "foreign"),
            (verdict.diverged, "nodes with other data"),
            (verdict.erased, "settled keys erased"),
            (verdict.empty_served, "looks at an empty data set"),
            (verdict.two_writable, "writes beside the new primary"),
            (
                if self.fled() { verdict.switches } else { 0 },
                "failovers without need",
            ),
        ];
        for (count, name) in counts.into_iter().filter(|(count, _)| *count > 0) {
            let _ = write!(line, ", {count} {name}");
        }
        line
    }
}
