//! What was acknowledged against what survived.
//!
//! ```text
//!  history ──┐
//!            ├──▶ sets, list, append, counter, chain, registers, members, bank, queue ──▶ Verdict (lost, stale, …)
//!  survived ─┘
//!  history + announced switches ──▶ watch::two_writable
//! ```

pub mod append;
pub mod bank;
pub mod chain;
pub mod copies;
pub mod counter;
pub mod keys;
pub mod list;
pub mod members;
pub mod queue;
pub mod reader;
pub mod registers;
pub mod sets;
pub mod survived;
pub mod sweep;
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
    append::check(history, survived, &mut verdict);
    registers::check(history, survived, &mut verdict);
    members::check(history, survived, &mut verdict);
    bank::check(history, survived, &mut verdict);
    queue::check(history, survived, &mut verdict);
    verdict.two_writable = crate::watch::two_writable(history).len() as u64;
    verdict.switches = crate::watch::reigns(history).len().saturating_sub(1) as u64;
    verdict
}

#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;
