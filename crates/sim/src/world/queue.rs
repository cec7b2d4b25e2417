//! Events in the order of their time, and of their birth at the same time.

use crate::model::Micros;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is still to happen. The heap holds only times: events are large, and stay where they are.
#[derive(Debug)]
pub(super) struct Queue<E> {
    due: BinaryHeap<Reverse<(Micros, u64, u32)>>,
    events: Vec<Option<E>>,
    free: Vec<u32>,
    born: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            due: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            born: 0,
        }
    }
}

impl<E> Queue<E> {
    /// Adds an event for `at`.
    pub(super) fn push(&mut self, at: Micros, event: E) {
        self.born += 1;
        let slot = self.free.pop().unwrap_or(self.events.len() as u32);
        match self.events.get_mut(slot as usize) {
            Some(place) => *place = Some(event),
            None => self.events.push(Some(event)),
        }
        self.due.push(Reverse((at, self.born, slot)));
    }

    /// Takes the next event.
    pub(super) fn pop(&mut self) -> Option<(Micros, E)> {
        let Reverse((at, _, slot)) = self.due.pop()?;
        self.free.push(slot);
        Some((at, self.events.get_mut(slot as usize)?.take()?))
    }

    /// How many are waiting.
    pub(super) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_of_equals_the_older() {
        let mut queue = Queue::default();
        for (at, name) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b')] {
            queue.push(at, name);
        }
        assert_eq!(queue.pop(), Some((3, 'a')));
        queue.push(4, 'x');
        let rest: Vec<char> = std::iter::from_fn(|| queue.pop().map(|(_, name)| name)).collect();
        assert_eq!(rest, ['b', 'x', 'c', 'd']);
        assert_eq!(queue.len(), 0);
    }
}
