//! The sentinel's clocks.

use holdfast_core::time::Millis;
use nix::time::{ClockId, clock_gettime};

/// Milliseconds of `CLOCK_BOOTTIME`, which goes on while the machine is suspended and never goes back.
pub(crate) fn now() -> Millis {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |t| {
        t.tv_sec() as Millis * 1000 + t.tv_nsec() as Millis / 1_000_000
    })
}

/// Wall-clock milliseconds since 1970, for people only.
pub(crate) fn wall() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |t| t.as_millis() as u64)
}
