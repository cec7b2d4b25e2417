//! The clock of leases and deadlines.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Time since the machine's start, suspended time included (`CLOCK_BOOTTIME`); none if the kernel does not tell.
pub(crate) fn boottime() -> Option<Duration> {
    clock_gettime(ClockId::CLOCK_BOOTTIME)
        .ok()
        .map(Duration::from)
}
