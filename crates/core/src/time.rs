//! Time as the core sees it: milliseconds of a local clock that never goes back.

/// Milliseconds since an arbitrary local start. Two processes' values cannot be compared; shells take
/// them from `CLOCK_BOOTTIME`, the simulator from each node's virtual clock.
pub type Millis = u64;
