//! The register: one small value per key, agreed by a majority of sentinels with compare-and-swap.
//!
//! `CASPaxos` (Rystsov 2018): no log, no leader. A [`Slot`] is one acceptor's state for one key; a
//! [`Proposal`] drives one compare-and-swap; [`Voters`] says whose answers count.
//!
//! ```text
//!  Proposal ──prepare──▶ Slot ×n ──promise──▶ Proposal ──accept──▶ Slot ×n ──accepted──▶ committed
//!      ▲                                                    (each Slot is on disk before it answers)
//!      └── after a success the same sentinel may skip prepare: `accept` also reserved its next ballot
//! ```

mod ballot;
mod proposal;
mod slot;
mod voters;

pub use ballot::Ballot;
pub use proposal::{Outcome, Progress, Proposal};
pub use slot::Slot;
pub use voters::Voters;

/// A value with a version that each successful change raises by one. No value at all is version 0.
pub trait Versioned {
    /// This value's version, at least 1.
    fn version(&self) -> u64;
}
