//! Events in the order of their time, and of their birth at the same time.

use crate::model::Micros;
use std::collections::BTreeMap;

/// What is still to happen.
#[derive(Debug)]
pub(super) struct Queue<E> {
    events: BTreeMap<(Micros, u64), E>,
    born: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            events: BTreeMap::new(),
            born: 0,
        }
    }
}

impl<E> Queue<E> {
    /// Adds an event for `at`.
    pub(super) fn push(&mut self, at: Micros, event: E) {
        self.born += 1;
        self.events.insert((at, self.born), event);
    }

    /// Takes the next event.
    pub(super) fn pop(&mut self) -> Option<(Micros, E)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }

    /// How many are waiting.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }
}
