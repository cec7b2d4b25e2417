//! The newest acknowledgement, visible while clients run.

use crate::clock::Micros;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Shared between clients and the round that watches them.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    acknowledged: Arc<Mutex<Vec<(String, Micros)>>>,
    count: Arc<AtomicU64>,
}

impl Pulse {
    /// Counts an acknowledged operation of any kind.
    pub fn count_one(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Acknowledged operations so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Notes an acknowledgement by `node` of an operation invoked at `invoke`.
    pub fn beat(&self, node: &str, invoke: Micros) {
        let mut newest = self
            .acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match newest.iter_mut().find(|(known, _)| known == node) {
            Some(entry) => entry.1 = entry.1.max(invoke),
            None => newest.push((node.to_owned(), invoke)),
        }
    }

    /// Whether a node that satisfies `wanted` acknowledged something invoked after `since`.
    pub fn beaten_since(&self, since: Micros, wanted: impl Fn(&str) -> bool) -> bool {
        let newest = self
            .acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        newest
            .iter()
            .any(|(node, invoke)| *invoke > since && wanted(node))
    }
}
