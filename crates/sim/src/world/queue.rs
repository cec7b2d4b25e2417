//! Events in the order of their time, and of their birth at the same time.

use crate::model::Micros;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Places of events: a run has at most 20 million events in all, which is less than 2^40 births, and never 2^24 at once.
const PLACE_BITS: u32 = 24;
const PLACES: u128 = (1 << PLACE_BITS) - 1;

/// What is still to happen. The heap holds only times: events are large, and stay where they are.
#[derive(Debug)]
pub(super) struct Queue<E> {
    /// Time (64 bits), birth (40), place (24), in one number: it is compared more often than anything else here.
    due: BinaryHeap<Reverse<u128>>,
    events: Vec<Option<E>>,
    free: Vec<usize>,
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
        self.put_off(at, self.born, event);
    }

    /// An event that was due waits until `at`, and there comes before all that were born after it: what was sent on one
    /// connection stays in order.
    pub(super) fn put_off(&mut self, at: Micros, born: u64, event: E) {
        let slot = self.free.pop().unwrap_or(self.events.len());
        match self.events.get_mut(slot) {
            Some(place) => *place = Some(event),
            None => self.events.push(Some(event)),
        }
        let rank = u128::from(at) << 64 | u128::from(born) << PLACE_BITS | slot as u128;
        self.due.push(Reverse(rank));
    }

    /// Takes the next event: when it is due, and its birth.
    pub(super) fn pop(&mut self) -> Option<(Micros, u64, E)> {
        let Reverse(rank) = self.due.pop()?;
        let slot = (rank & PLACES) as usize;
        self.free.push(slot);
        let born = rank as u64 >> PLACE_BITS;
        Some((
            (rank >> 64) as Micros,
            born,
            self.events.get_mut(slot)?.take()?,
        ))
    }

    /// How many are waiting.
    pub(super) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(queue: &mut Queue<char>) -> Vec<char> {
        std::iter::from_fn(|| queue.pop().map(|(_, _, name)| name)).collect()
    }

    #[test]
    fn the_earliest_comes_first_and_of_equals_the_older() {
        let mut queue = Queue::default();
        for (at, name) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b')] {
            queue.push(at, name);
        }
        assert_eq!(queue.pop(), Some((3, 2, 'a')));
        queue.push(4, 'x');
        assert_eq!(names(&mut queue), ['b', 'x', 'c', 'd']);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn what_is_put_off_keeps_its_place_among_those_born_later() {
        let mut queue = Queue::default();
        for (at, name) in [(1, 'a'), (9, 'b')] {
            queue.push(at, name);
        }
        if let Some((_, born, name)) = queue.pop() {
            queue.put_off(9, born, name);
        }
        assert_eq!(names(&mut queue), ['a', 'b']);
    }
}
