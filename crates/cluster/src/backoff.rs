//! How long a process that died stays down before it is started again.

use std::time::Duration;

const DELAYS_MS: [u64; 6] = [0, 200, 500, 1_000, 2_000, 5_000];
/// A process that lived this long has recovered: its next death counts as the first.
const RECOVERED: Duration = Duration::from_secs(10);

/// The delays of one process.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    deaths: usize,
}

impl Backoff {
    /// The delay after a death of a process that lived for `lived`.
    pub(crate) fn after(&mut self, lived: Duration) -> Duration {
        if lived >= RECOVERED {
            self.deaths = 0;
        }
        let delay = DELAYS_MS[self.deaths.min(DELAYS_MS.len() - 1)];
        self.deaths = self.deaths.saturating_add(1);
        Duration::from_millis(delay)
    }

    /// Deaths in a row without a recovery between them.
    pub(crate) fn deaths(&self) -> usize {
        self.deaths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(lives_ms: &[u64]) -> Vec<u128> {
        let mut backoff = Backoff::default();
        lives_ms
            .iter()
            .map(|ms| backoff.after(Duration::from_millis(*ms)).as_millis())
            .collect()
    }

    #[test]
    fn grows_to_five_seconds_and_no_further() {
        assert_eq!(
            delays(&[5; 8]),
            [0, 200, 500, 1_000, 2_000, 5_000, 5_000, 5_000]
        );
    }

    #[test]
    fn a_long_life_starts_over() {
        assert_eq!(delays(&[5, 5, 10_000, 5]), [0, 200, 0, 200]);
    }
}
