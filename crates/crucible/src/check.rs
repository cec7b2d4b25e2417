//! What was acknowledged against what survived.
//!
//! ```text
//!  history ──┐
//!            ├──▶ sets, list, counter, chain ──▶ Verdict (lost, duplicated, phantom, …)
//!  survived ─┘
//!  history + announced switches ──▶ watch::two_writable
//! ```

pub mod chain;
pub mod copies;
pub mod counter;
pub mod list;
pub mod sets;
pub mod survived;
pub mod verdict;

pub use survived::Survived;
pub use verdict::{Finding, Verdict};

use crate::history::History;

/// Runs every checker.
pub fn check(history: &History, survived: &Survived) -> Verdict {
    let mut verdict = Verdict::default();
    sets::check(history, survived, &mut verdict);
    list::check(history, survived, &mut verdict);
    counter::check(history, survived, &mut verdict);
    chain::check(history, survived, &mut verdict);
    verdict.two_writable = crate::watch::two_writable(history).len() as u64;
    verdict.switches = crate::watch::reigns(history).len().saturating_sub(1) as u64;
    verdict
}

#[cfg(test)]
mod tests;
