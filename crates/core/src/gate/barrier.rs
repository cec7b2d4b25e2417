//! Barriers: what is sent, what is answered, and one that is under way.

use super::{Micros, Role};

/// A barrier to send: `ROLE`, a published marker, `WAIT` for this many replicas, `ROLE`, in one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// On this connection.
    pub link: usize,
    /// The number for `WAIT`.
    pub replicas: usize,
}

/// A reply on a barrier's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `ROLE` of a master.
    Role(Role),
    /// `ROLE` of anything else.
    NotMaster,
    /// A number: how many heard the marker, or how many acknowledged. It decides nothing.
    Count(u64),
    /// An error, of whatever kind, or something that makes no sense.
    Refused,
}

/// Which of its four replies comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The first `ROLE`: the offset behind the replies.
    Before,
    /// The marker was published.
    Marker,
    /// `WAIT`.
    Wait,
    /// The second `ROLE`: what is acknowledged now.
    After,
}

/// Sent, and not answered to the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Barrier {
    /// All batches up to this number were closed when it was sent.
    pub(super) number: u64,
    pub(super) step: Step,
    pub(super) sent_at: Micros,
}

impl Barrier {
    pub(super) fn new(number: u64, now: Micros) -> Self {
        Self {
            number,
            step: Step::Before,
            sent_at: now,
        }
    }

    /// A reply has come, of whatever kind. Returns whether it was the last.
    pub(super) fn advance(&mut self) -> bool {
        self.step = match self.step {
            Step::Before => Step::Marker,
            Step::Marker => Step::Wait,
            Step::Wait => Step::After,
            Step::After => return true,
        };
        false
    }
}
