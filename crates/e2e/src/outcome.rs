//! What a promise came to.

use crate::writer::Tally;
use std::time::Duration;

/// What was measured and counted while a promise was put to the test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// What the deadline is about: a pause as clients saw it, or the time until all was well again.
    pub(crate) measured: Duration,
    /// Acknowledged writes.
    pub(crate) acknowledged: usize,
    /// Those that were not found afterwards.
    pub(crate) lost: usize,
    /// A word for people.
    pub(crate) remark: String,
}

impl Outcome {
    /// Something that took a time and had no writer.
    pub(crate) fn took(measured: Duration) -> Self {
        Self {
            measured,
            ..Self::default()
        }
    }

    /// The longest pause that any client saw.
    pub(crate) fn paused(tally: &Tally) -> Self {
        Self::counted(tally.pause, tally)
    }

    /// A time of its own, with what the writers counted meanwhile.
    pub(crate) fn counted(measured: Duration, tally: &Tally) -> Self {
        Self {
            measured,
            acknowledged: tally.acknowledged,
            lost: tally.lost,
            remark: tally.remark(),
        }
    }

    /// The time until all was well again, and the longest pause that any client saw.
    pub(crate) fn well_after(took: Duration, tally: &Tally) -> Self {
        let paused = format!("writes paused {:.1} s", tally.pause.as_secs_f64());
        Self::counted(took, tally).saying(paused)
    }

    /// Adds a word.
    pub(crate) fn saying(mut self, remark: impl AsRef<str>) -> Self {
        if !self.remark.is_empty() && !remark.as_ref().is_empty() {
            self.remark.push_str("; ");
        }
        self.remark.push_str(remark.as_ref());
        self
    }
}
