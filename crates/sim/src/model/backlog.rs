//! The replication stream and the window of it that a server keeps.

use holdfast_core::stamp::Stamp;
use std::collections::VecDeque;

/// What one entry of the stream does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A client's write of one value; every value is unique in a run.
    Write(u64),
    /// `FLUSHALL` by a client.
    Flush,
    /// A barrier's stamp: a write in a database of its own.
    Stamp(Stamp),
    /// The primary's own ping, or a barrier's PUBLISH: bytes without an effect on data.
    Nothing,
    /// Asks every replica to report at once how far it is.
    GetAck,
}

impl Op {
    /// Bytes in the stream; the real ones for short keys and values.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Write(_) => 27,
            Self::Flush => 18,
            Self::Nothing => 14,
            Self::GetAck => 37,
            Self::Stamp(_) => 150,
        }
    }
}

/// One command of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Offset behind the entry.
    pub end: u64,
    /// What it does.
    pub op: Op,
}

/// The newest part of the stream, at most `limit` bytes of it.
#[derive(Clone, Debug)]
pub struct Backlog {
    start: u64,
    end: u64,
    limit: u64,
    entries: VecDeque<Entry>,
}

impl Backlog {
    /// An empty window whose next entry begins at `offset`.
    pub fn new(offset: u64, limit: u64) -> Self {
        Self {
            start: offset,
            end: offset,
            limit,
            entries: VecDeque::new(),
        }
    }

    /// Adds an entry and drops the oldest ones beyond the limit.
    pub fn push(&mut self, entry: Entry) {
        self.end = entry.end;
        self.entries.push_back(entry);
        while self.end - self.start > self.limit {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.start = oldest.end;
        }
    }

    /// The entries behind `offset`, or `None` when the window does not reach back (or forth) that far.
    pub fn since(&self, offset: u64) -> Option<Vec<Entry>> {
        if offset < self.start || offset > self.end {
            return None;
        }
        let first = self.entries.partition_point(|entry| entry.end <= offset);
        Some(self.entries.iter().skip(first).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_moves_and_refuses_what_it_dropped() {
        let mut backlog = Backlog::new(100, 60);
        for n in 1..=3 {
            backlog.push(Entry {
                end: 100 + 27 * n,
                op: Op::Write(n),
            });
        }
        assert!(backlog.since(100).is_none());
        assert_eq!(backlog.since(127).map(|entries| entries.len()), Some(2));
        assert_eq!(backlog.since(181).map(|entries| entries.len()), Some(0));
        assert!(backlog.since(182).is_none());
    }
}
