//! Replies in the order in which they will be released.

use super::connections::{Connection, Connections};
use std::collections::VecDeque;

/// Most closed batches that wait. Beyond, a barrier takes no new replies along: they wait in the open batch.
const CLOSED_MAX: usize = 64;

/// Lists kept for use again.
const SPARE_MAX: usize = 4;

/// What was read between the sending of two barriers.
#[derive(Debug)]
struct Batch {
    number: u64,
    /// How far each connection's bytes belong to it.
    marks: Vec<(Connection, u64)>,
    /// An offset of the stream that is at least that of each of its replies, once known.
    offset: Option<u64>,
}

/// The open batch and those that were closed and are not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Batches {
    /// Number of the open batch.
    next: u64,
    /// Connections with bytes in the open batch.
    open: Vec<Connection>,
    /// Oldest first; so are their offsets, since a later one never gets a smaller one.
    closed: VecDeque<Batch>,
    spare: Vec<Vec<(Connection, u64)>>,
}

impl Batches {
    /// Number of the open batch, which is that of the next barrier.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Forgets all replies. Numbers go on.
    pub(super) fn clear(&mut self) {
        self.next += 1;
        self.open.clear();
        self.closed.clear();
    }

    /// The first bytes of this connection in the open batch.
    pub(super) fn touch(&mut self, connection: Connection) {
        self.open.push(connection);
    }

    /// Connections with bytes in the open batch.
    pub(super) fn touched(&self) -> usize {
        self.open.len()
    }

    /// Whether a barrier takes nothing new along now.
    pub(super) fn is_full(&self) -> bool {
        self.closed.len() >= CLOSED_MAX
    }

    /// A barrier is being sent. Closes the open batch; returns its number, which is the barrier's.
    pub(super) fn close(&mut self, connections: &Connections) -> u64 {
        if self.is_full() {
            // What is open stays open; the barrier is for the batches before.
            return self.next - 1;
        }
        let number = self.next;
        self.next += 1;
        if self.open.is_empty() {
            return number;
        }
        let mut marks = self.spare.pop().unwrap_or_default();
        let ends = self
            .open
            .drain(..)
            .filter_map(|one| Some((one, connections.total(one)?)));
        marks.extend(ends);
        self.closed.push_back(Batch {
            number,
            marks,
            offset: None,
        });
        number
    }

    /// All batches up to `number` were closed before a barrier that saw this offset was sent. One that has an offset
    /// already keeps it: that is smaller, and as true.
    pub(super) fn set_offset(&mut self, number: u64, offset: u64) {
        for batch in self
            .closed
            .iter_mut()
            .take_while(|batch| batch.number <= number)
        {
            batch.offset.get_or_insert(offset);
        }
    }

    /// Moves what is committed to `out`, oldest first.
    pub(super) fn release(
        &mut self,
        out: &mut Vec<(Connection, u64)>,
        committed: impl Fn(u64) -> bool,
    ) {
        while let Some(batch) = self.closed.front()
            && batch.offset.is_some_and(&committed)
            && let Some(mut batch) = self.closed.pop_front()
        {
            out.append(&mut batch.marks);
            if self.spare.len() < SPARE_MAX {
                self.spare.push(batch.marks);
            }
        }
    }

    /// The newest batch that was closed and is not released.
    pub(super) fn newest_closed(&self) -> Option<u64> {
        self.closed.back().map(|batch| batch.number)
    }
}
