//! Connections that are no member's and wanted the stream, or acknowledged what they were not sent. The log says why, for the
//! first of them and then now and then, since anybody can come as often as they like; all are counted.

use super::wire::Wire;
use holdfast_core::gate::{Micros, Refusal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Time between two lines in the log.
const PAUSE: Micros = 10_000_000;

/// How many there were.
#[derive(Debug, Default)]
pub(super) struct TurnedAway {
    count: Arc<AtomicU64>,
    next: Micros,
    untold: u64,
}

impl TurnedAway {
    pub(super) fn new(count: Arc<AtomicU64>) -> Self {
        Self {
            count,
            ..Self::default()
        }
    }

    /// This connection is being closed, and why.
    pub(super) fn note(&mut self, now: Micros, client: &Wire, why: &Refusal) {
        if why.is_usual() {
            return;
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        if now < self.next {
            self.untold += 1;
            return;
        }
        self.next = now + PAUSE;
        let others = std::mem::take(&mut self.untold);
        let from = client
            .peer()
            .map_or_else(|| "a connection".to_owned(), |at| at.to_string());
        tracing::warn!("{from} is closed: {why} ({others} more since the last such line)");
    }
}
