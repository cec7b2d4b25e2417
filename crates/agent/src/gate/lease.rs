//! Until when a gate without a rule may pass replies on.

use crate::clock::boottime;
use holdfast_core::time::Millis;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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
        let until = Duration::from_millis(self.until.load(Ordering::Acquire));
        boottime().is_none_or(|now| now >= until)
    }
}
