//! What clients got, cut into equal pieces of time, and the gaps between acknowledgements.

use crate::clock::{Micros, millis};
use crate::history::{Action, History, Operation};
use serde::Serialize;

/// Gaps shorter than this are the normal pace of a busy machine.
const LEAST_GAP: Micros = 100_000;

/// One piece of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bucket {
    /// Its beginning, on the crucible's clock, in microseconds.
    pub at: Micros,
    /// Acknowledged operations.
    pub acknowledged: u64,
    /// Operations without an answer, or refused.
    pub failed: u64,
    /// Median latency of the acknowledged ones, in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of it.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// A time without any acknowledged write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Its beginning, on the crucible's clock, in microseconds.
    pub at: Micros,
    /// Its length in microseconds.
    pub length: Micros,
}

/// Only clients that follow the sentinels count; a client that waits at an empty queue waits by its own will.
fn counts(operation: &Operation) -> bool {
    !matches!(operation.action, Action::Direct | Action::Take(_))
}

/// Pieces of `width` microseconds from `begin` to `end`.
pub fn buckets(history: &History, begin: Micros, end: Micros, width: Micros) -> Vec<Bucket> {
    let count = (end.saturating_sub(begin)).div_ceil(width.max(1)) as usize;
    let mut latencies: Vec<Vec<Micros>> = vec![vec![]; count];
    let mut buckets: Vec<Bucket> = (0..count)
        .map(|index| Bucket {
            at: begin + index as u64 * width,
            ..Bucket::default()
        })
        .collect();
    for operation in history
        .operations
        .iter()
        .filter(|operation| counts(operation))
    {
        let Some(since) = operation.complete.checked_sub(begin) else {
            continue;
        };
        let index = (since / width.max(1)) as usize;
        let Some(bucket) = buckets.get_mut(index) else {
            continue;
        };
        if operation.acknowledged() {
            bucket.acknowledged += 1;
            latencies[index].push(operation.complete - operation.invoke);
        } else {
            bucket.failed += 1;
        }
    }
    for (bucket, mut latencies) in buckets.iter_mut().zip(latencies) {
        latencies.sort_unstable();
        let rank = |share: usize| {
            latencies.get((latencies.len() * share / 100).min(latencies.len().saturating_sub(1)))
        };
        let value = |share| rank(share).map_or(0.0, |latency| millis(*latency));
        (bucket.p50_ms, bucket.p99_ms, bucket.max_ms) = (value(50), value(99), value(100));
    }
    buckets
}

/// Every time between `begin` and `end` in which no write was acknowledged to anybody.
pub fn gaps(history: &History, begin: Micros, end: Micros) -> Vec<Gap> {
    let writes = history.operations.iter().filter(|operation| {
        operation.acknowledged() && operation.action.writes() && operation.action != Action::Direct
    });
    let mut times: Vec<Micros> = writes
        .map(|operation| operation.complete)
        .filter(|time| (begin..end).contains(time))
        .collect();
    times.extend([begin, end]);
    times.sort_unstable();
    times
        .windows(2)
        .map(|pair| Gap {
            at: pair[0],
            length: pair[1] - pair[0],
        })
        .filter(|gap| gap.length >= LEAST_GAP)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Outcome;

    fn set(complete: Micros, latency: Micros, outcome: Outcome) -> Operation {
        Operation {
            client: 0,
            sequence: complete,
            action: Action::Set,
            invoke: complete - latency,
            complete,
            outcome,
            node: String::new(),
        }
    }

    fn history() -> History {
        let operations = vec![
            set(1_010_000, 1000, Outcome::Ok),
            set(1_020_000, 3000, Outcome::Ok),
            set(1_090_000, 5000, Outcome::Info(String::new())),
            set(1_150_000, 2000, Outcome::Ok),
        ];
        History {
            operations,
            ..History::default()
        }
    }

    #[test]
    fn counts_and_latencies_fall_into_their_piece() {
        let found = buckets(&history(), 1_000_000, 1_200_000, 100_000);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].acknowledged, found[0].failed, found[0].max_ms),
            (2, 1, 3.0)
        );
        assert_eq!(
            (found[1].at, found[1].acknowledged, found[1].p50_ms),
            (1_100_000, 1, 2.0)
        );
    }

    #[test]
    fn gaps_reach_to_both_ends_and_only_acknowledgements_end_them() {
        let found = gaps(&history(), 1_000_000, 1_300_000);
        let expected = [(1_020_000, 130_000), (1_150_000, 150_000)];
        assert_eq!(found, expected.map(|(at, length)| Gap { at, length }));
        assert_eq!(
            gaps(&History::default(), 0, 160_000),
            [Gap {
                at: 0,
                length: 160_000
            }]
        );
    }
}
