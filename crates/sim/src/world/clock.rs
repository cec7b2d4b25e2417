//! A host's own clock.

use crate::model::Micros;
use crate::rng::Rng;

/// Runs at its own rate from its own start, and never goes back (`CLOCK_BOOTTIME`).
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start_us: Micros,
    /// Deviation of the rate, in millionths. Leases allow for 5 % between two clocks.
    drift_ppm: i64,
}

impl Clock {
    /// A clock with a random start and a rate at most 2 % off (so two differ by at most 4 %).
    pub(super) fn random(rng: &mut Rng, drifting: bool) -> Self {
        let drift_ppm = if drifting {
            rng.between(0, 40_000) as i64 - 20_000
        } else {
            0
        };
        Self {
            start_us: rng.between(1_000_000, 1_000_000_000_000),
            drift_ppm,
        }
    }

    /// What it shows at true time `now`, in milliseconds.
    pub fn at(&self, now: Micros) -> u64 {
        (self.start_us + scaled(now, 1_000_000 + self.drift_ppm, 1_000_000)) / 1000
    }

    /// The first true time at which it shows `local` milliseconds.
    pub(super) fn when(&self, local: u64) -> Micros {
        let elapsed = (local * 1000).saturating_sub(self.start_us);
        scaled(elapsed, 1_000_000, 1_000_000 + self.drift_ppm) + 1
    }
}

fn scaled(value: u64, by: i64, per: i64) -> u64 {
    (i128::from(value) * i128::from(by) / i128::from(per)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_is_the_first_moment_that_shows_it() {
        for seed in 0..200 {
            let clock = Clock::random(&mut Rng::new(seed), true);
            let local = clock.at(5_000_000) + 450;
            assert!(clock.at(clock.when(local)) >= local);
            assert!(clock.at(clock.when(local) - 1200) < local);
        }
    }
}
