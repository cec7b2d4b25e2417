//! What was asked and is not answered yet, in the order of the answers.

use super::verbs::Verb;
use std::collections::VecDeque;

/// Requests that change a session, of one client, that may wait for their answers; beyond, its client is not read until some
/// are answered. What comes in the same read as the last of them is taken all the same.
const UNDER_WAY_MAX: usize = 256;

/// A request whose answer counts.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) verb: Verb,
    /// Its words; none where the name says all.
    pub(super) args: Vec<Vec<u8>>,
    /// Of a subscription: how many confirmations have come, and how many are due.
    pub(super) confirmed: usize,
    pub(super) due: usize,
}

impl Asked {
    pub(super) fn new(verb: Verb, args: &[Vec<u8>]) -> Self {
        let by_name_alone = matches!(
            verb,
            Verb::Multi | Verb::Exec | Verb::Discard | Verb::Watch | Verb::Unwatch | Verb::Reset
        );
        let args = if by_name_alone { &[] } else { args };
        Self {
            verb,
            args: args.to_vec(),
            confirmed: 0,
            due: args.len().saturating_sub(1),
        }
    }
}

/// It may hold passwords.
impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.verb)
    }
}

/// All of it. Requests that change nothing are only counted.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    /// Answers that come before that of the first one in the queue.
    ahead: u64,
    /// Each with the number of others behind it.
    asked: VecDeque<(Asked, u64)>,
}

impl UnderWay {
    /// One that changes nothing.
    #[inline]
    pub(super) fn count(&mut self) {
        match self.asked.back_mut() {
            None => self.ahead += 1,
            Some((_, behind)) => *behind += 1,
        }
    }

    pub(super) fn push(&mut self, asked: Asked) {
        self.asked.push_back((asked, 0));
    }

    pub(super) fn is_full(&self) -> bool {
        self.asked.len() >= UNDER_WAY_MAX
    }

    /// Answers that are still to come; several to a subscription count as one.
    pub(super) fn len(&self) -> u64 {
        let asked = self.asked.iter().map(|(_, behind)| behind + 1);
        self.ahead + asked.sum::<u64>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ahead == 0 && self.asked.is_empty()
    }

    /// Answers that come before any that counts.
    #[inline]
    pub(super) fn ahead(&self) -> u64 {
        self.ahead
    }

    /// So many of those have come.
    #[inline]
    pub(super) fn take(&mut self, answers: u64) {
        self.ahead = self.ahead.saturating_sub(answers);
    }

    /// The next answer belongs to one that was only counted: takes it off.
    #[inline]
    pub(super) fn pass(&mut self) -> bool {
        let passes = self.ahead > 0;
        self.ahead -= u64::from(passes);
        passes
    }

    /// The request to which the next answer belongs, if that counts.
    pub(super) fn next(&self) -> Option<&Asked> {
        let (first, _) = self.asked.front()?;
        (self.ahead == 0).then_some(first)
    }

    pub(super) fn next_mut(&mut self) -> Option<&mut Asked> {
        let (first, _) = self.asked.front_mut()?;
        (self.ahead == 0).then_some(first)
    }

    /// It is answered.
    pub(super) fn pop(&mut self) -> Option<Asked> {
        let (first, behind) = self.asked.pop_front()?;
        self.ahead = behind;
        Some(first)
    }
}
