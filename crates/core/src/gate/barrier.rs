//! Barriers: what is sent, what is answered, and one that is under way.

use super::Micros;

/// A barrier to send: `ROLE`, a published marker, `WAIT` for this many replicas, in one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// On this connection.
    pub link: usize,
    /// The number for `WAIT`.
    pub replicas: usize,
}

/// A reply on a barrier's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `ROLE` of a master, with its offset: what it has executed before this reply has an offset up to here.
    Master(u64),
    /// `ROLE` of anything else.
    NotMaster,
    /// A number: how many heard the marker, or how many acknowledged. It decides nothing.
    Count(u64),
    /// An error, of whatever kind, or something that makes no sense.
    Refused,
}

/// Which of its three replies comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `ROLE`: the offset behind the replies.
    Role,
    /// The marker was published.
    Marker,
    /// `WAIT`: the link is free again.
    Wait,
}

/// Sent, and not answered to the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Barrier {
    /// All batches up to this number were closed when it was sent.
    pub(super) number: u64,
    pub(super) step: Step,
    pub(super) sent_at: Micros,
    /// What `ROLE` told.
    pub(super) offset: Option<u64>,
    /// Enough members have more than that: only the link is still busy.
    pub(super) settled: bool,
}

impl Barrier {
    pub(super) fn new(number: u64, now: Micros) -> Self {
        Self {
            number,
            step: Step::Role,
            sent_at: now,
            offset: None,
            settled: false,
        }
    }

    /// A reply has come, of whatever kind. Returns whether it was the last.
    pub(super) fn advance(&mut self) -> bool {
        self.step = match self.step {
            Step::Role => Step::Marker,
            Step::Marker => Step::Wait,
            Step::Wait => return true,
        };
        false
    }
}
