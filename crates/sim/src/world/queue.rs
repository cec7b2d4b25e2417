//! Events in the order of their time, and of their birth at the same time.

use crate::model::Micros;
use std::collections::BTreeMap;

/// What is still to happen.
#[derive(Debug)]
pub struct Queue<E> {
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
    pub fn push(&mut self, at: Micros, event: E) {
        self.born += 1;
        self.events.insert((at, self.born), event);
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<(Micros, E)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }

    /// How many are waiting.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether none is waiting.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}
