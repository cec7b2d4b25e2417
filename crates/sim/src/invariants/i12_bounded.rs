//! I12: every queue, buffer, retry and loop has a limit.

use crate::model::Micros;
use crate::report::Violation;

/// Most that one step of an agent or a sentinel may ask for.
const STEP_MAX: usize = 500;

/// Called after every step with the number of its outputs.
pub fn check(now: Micros, what: &str, length: usize) -> Option<Violation> {
    (length > STEP_MAX).then(|| Violation {
        invariant: "i12_bounded",
        at_us: now,
        text: format!("{what} asks for {length} things at once"),
    })
}
