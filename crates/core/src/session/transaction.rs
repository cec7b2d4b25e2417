//! What the server holds of a transaction, by its answers.

use super::answers::elements;
use super::under_way::Asked;

/// Requests in one transaction that may change the session.
const TELLING_MAX: usize = 64;

/// One transaction, open or not.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) open: bool,
    pub(super) watching: bool,
    /// Requests that were queued.
    queued: usize,
    /// Those that may change the session, by their place among the queued.
    telling: Vec<(usize, Asked)>,
}

impl Transaction {
    pub(super) fn begin(&mut self) {
        (self.open, self.queued) = (true, 0);
    }

    /// A request was queued.
    pub(super) fn count(&mut self) {
        self.queued += 1;
    }

    /// One was queued that may change the session. `false`: there are too many.
    pub(super) fn queue(&mut self, asked: Asked) -> bool {
        self.telling.push((self.queued, asked));
        self.queued += 1;
        self.telling.len() <= TELLING_MAX
    }

    /// Whether the answer to `EXEC` has to be read.
    pub(super) fn tells(&self) -> bool {
        !self.telling.is_empty()
    }

    /// `EXEC` was answered: what may have changed the session, each with whether it was refused. `None` where that is not
    /// known.
    pub(super) fn end(&mut self, answer: &[u8]) -> Option<Vec<(Asked, bool)>> {
        let telling = std::mem::take(self).telling;
        let dropped = answer.starts_with(b"-") || [&b"*-1\r\n"[..], b"_\r\n"].contains(&answer);
        if telling.is_empty() || dropped {
            return Some(Vec::new());
        }
        let kinds = elements(answer)?;
        let judged = telling.into_iter().map(|(place, asked)| {
            let kind = kinds.get(place)?;
            Some((asked, b"-!".contains(kind)))
        });
        judged.collect()
    }
}
