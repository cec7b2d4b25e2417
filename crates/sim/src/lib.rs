//! The deterministic simulator: the same core, a model Redis, network and disks with faults.
//!
//! ```text
//!   explore(seeds) ──▶ run(seed) ──▶ World: agents and sentinels of `holdfast-core`, model Redis,
//!                         │                 network, disks, clocks, clients, faults
//!                         ▼
//!                     RunReport: trace hash, broken invariants, counters
//! ```
//!
//! One seed is one run: same seed, same events, same hash.

pub mod config;
pub mod counters;
pub mod explore;
pub mod invariants;
pub mod kind;
pub mod ledger;
pub mod model;
pub mod mutants;
pub mod report;
pub mod rng;
pub mod trace;
pub mod world;

pub use config::Config;
pub use explore::{Progress, Summary, explore};
pub use holdfast_core::mutant::Mutant;
pub use kind::FaultKind;
pub use report::{RunReport, Violation};

/// Runs one seed.
pub fn run(seed: u64, config: &Config) -> RunReport {
    world::World::run(seed, config)
}
