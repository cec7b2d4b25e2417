//! One monotonic clock for every thread of the crucible, so that times of different clients compare.

use std::sync::OnceLock;
use std::time::Instant;

/// Microseconds since the crucible first looked at the clock.
pub type Micros = u64;

static START: OnceLock<Instant> = OnceLock::new();

/// The time now. Never falls; unaffected by steps of the wall clock.
pub fn now() -> Micros {
    START.get_or_init(Instant::now).elapsed().as_micros() as Micros
}

/// Microseconds as milliseconds with fractions, for people.
pub fn millis(micros: Micros) -> f64 {
    micros as f64 / 1000.0
}
