//! Acknowledged writes over time, around the event.

use crate::history::{Action, History};
use serde::{Deserialize, Serialize};

/// Width of one bin in milliseconds.
pub const BIN_MS: u64 = 20;
/// Bins before the event.
pub const BEFORE: u64 = 25;
/// Bins from the event on.
pub const AFTER: u64 = 125;

/// Acknowledgements to clients that follow the sentinels, per bin of 20 ms, from half a second before the event on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline(pub Vec<u32>);

impl Timeline {
    /// Counts the acknowledgements of `history`.
    pub fn of(history: &History) -> Self {
        let mut bins = vec![0; (BEFORE + AFTER) as usize];
        let begin = history.event.saturating_sub(BEFORE * BIN_MS * 1000);
        let counted = history
            .operations
            .iter()
            .filter(|op| op.acknowledged() && op.action.writes() && op.action != Action::Direct);
        for operation in counted.filter(|operation| operation.complete >= begin) {
            let bin = (operation.complete - begin) / (BIN_MS * 1000);
            if let Some(count) = bins.get_mut(bin as usize) {
                *count += 1;
            }
        }
        Self(bins)
    }

    /// Points for a plot: seconds from the event, writes per second.
    pub fn points(&self) -> Vec<(f64, f64)> {
        let seconds = |bin: usize| (bin as f64 - BEFORE as f64) * BIN_MS as f64 / 1000.0;
        let rate = |count: u32| f64::from(count) * 1000.0 / BIN_MS as f64;
        self.0
            .iter()
            .enumerate()
            .map(|(bin, count)| (seconds(bin), rate(*count)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Operation, Outcome};

    #[test]
    fn counts_around_the_event() {
        let at = |complete| Operation {
            client: 0,
            sequence: complete,
            action: Action::Set,
            invoke: complete,
            complete,
            outcome: Outcome::Ok,
            node: String::new(),
        };
        let event = 10_000_000;
        let operations = [
            event - 600_000,
            event - 1,
            event,
            event + 1,
            event + 19_999,
            event + 20_000,
        ]
        .map(at)
        .to_vec();
        let timeline = Timeline::of(&History {
            operations,
            event,
            ..History::default()
        });
        let bin = |index: u64| timeline.0[index as usize];
        assert_eq!((bin(BEFORE - 1), bin(BEFORE), bin(BEFORE + 1)), (1, 3, 1));
        assert_eq!(timeline.0.iter().sum::<u32>(), 5);
        assert_eq!(timeline.points()[BEFORE as usize], (0.0, 150.0));
    }
}
