//! Which of a node's notes its data bear out.
//!
//! An agent keeps two. The *latest* tells of the files as they were a second ago at most; a loss of power may take the end of
//! them. The *settled* one tells of files that a loss of power cannot take any more, and is some seconds older. Data that end
//! between the two reach as far as the settled one says, and no further.

use super::{Found, Noted};
use crate::mutant::Mutant;

/// What the data of a run are, beside what was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Those of the latest note, or their continuation.
    Whole,
    /// The end that the latest note tells of is missing, for this reason; what the settled note tells of is there.
    Shorter(String),
    /// Others than were noted, and why.
    Unlike(String),
}

impl Verdict {
    /// Compares what a run found with both notes; `latest_tail` is [`Found::noted_tail`] for the latest.
    pub fn new(
        latest: Option<&Noted>,
        settled: Option<&Noted>,
        found: &Found<'_>,
        latest_tail: Option<u64>,
        mutant: Mutant,
    ) -> Self {
        let for_latest = Found {
            noted_tail: latest_tail,
            ..*found
        };
        let lacks =
            |note: Option<&Noted>, found| note.and_then(|note| note.mismatch(found, mutant));
        match (latest, lacks(latest, &for_latest)) {
            (Some(_), None) => Self::Whole,
            (_, late) => match (late, lacks(settled, found)) {
                (late, Some(early)) => Self::Unlike(late.unwrap_or(early)),
                (Some(late), None) => Self::Shorter(late),
                (None, None) => Self::Whole,
            },
        }
    }
}

#[cfg(test)]
mod tests;
