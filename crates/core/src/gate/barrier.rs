//! Barriers: what is sent, what is answered, and one that is under way.

use super::Micros;
use crate::stamp::Stamp;

/// A barrier to send: `ROLE`, a published marker, `WAIT` for this many replicas, in one write. With a stamp: the stamp
/// before the `ROLE`, instead of the marker behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// On this connection.
    pub link: usize,
    /// The number for `WAIT`.
    pub replicas: usize,
    /// What is to be written behind all that the barrier covers, where acknowledgements mean disks.
    pub stamp: Option<Stamp>,
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
    /// The stamp was written.
    Stamp,
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
    /// Where it has a stamp: whether that is in the stream, before the offset that `ROLE` tells.
    stamped: Option<bool>,
    /// Whoever has more than this has what the barrier covers, by what `ROLE` told.
    pub(super) offset: Option<u64>,
    /// Enough members have more than that: only the link is still busy.
    pub(super) settled: bool,
}

impl Barrier {
    pub(super) fn new(number: u64, now: Micros, stamps: bool) -> Self {
        Self {
            number,
            step: if stamps { Step::Stamp } else { Step::Role },
            sent_at: now,
            stamped: stamps.then_some(false),
            offset: None,
            settled: false,
        }
    }

    /// Its stamp was written.
    pub(super) fn note_stamp(&mut self) {
        self.stamped = Some(true);
    }

    /// Whoever has *more* than this has all that the barrier covers, and its stamp if it has one. `told` is by `ROLE`.
    /// None: it settles nothing, since its stamp was refused.
    pub(super) fn floor(&self, told: u64) -> Option<u64> {
        match self.stamped {
            None => Some(told),
            Some(true) => told.checked_sub(1),
            Some(false) => None,
        }
    }

    /// A reply has come, of whatever kind. Returns whether it was the last.
    pub(super) fn advance(&mut self) -> bool {
        self.step = match self.step {
            Step::Stamp => Step::Role,
            Step::Role if self.stamped.is_some() => Step::Wait,
            Step::Role => Step::Marker,
            Step::Marker => Step::Wait,
            Step::Wait => return true,
        };
        false
    }
}
