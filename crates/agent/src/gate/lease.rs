//! Until when a gate without a rule may pass replies on.

use holdfast_core::time::Millis;
use nix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicU64, Ordering};

/// Shared by the agent, which renews it, and the gate's thread, which looks at it before it lets a reply go. It begins
/// over.
#[derive(Debug, Default)]
pub(super) struct Lease {
    until: AtomicU64,
}

impl Lease {
    pub(super) fn renew(&self, until: Option<Millis>) {
        self.until.store(until.unwrap_or(0), Ordering::Release);
    }

    /// A clock that cannot be read says nothing: then it is over.
    pub(super) fn is_over(&self) -> bool {
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME);
        let now = now.map(|t| t.tv_sec() as Millis * 1000 + t.tv_nsec() as Millis / 1_000_000);
        now.map_or(true, |now| now >= self.until.load(Ordering::Acquire))
    }
}
