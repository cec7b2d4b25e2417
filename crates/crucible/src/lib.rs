//! Fault drills on real processes: workloads, faults, recorded histories, checkers, a report.
//!
//! ```text
//!  target ── a real group (Holdfast or stock Redis): pids, addresses
//!    ▲  ▲
//!    │  └── fault ── kill, freeze, cut, full disk, …          measure ──▶ how long
//!  client ◀── workload ── operations ──▶ history ──▶ check, watch ──▶ what was lost, who was writable ──▶ report
//! ```
//!
//! The system under test is a black box: what it says of itself is never evidence, only what its clients were told and what
//! can be read back.

pub mod bench;
pub mod check;
pub mod client;
pub mod clock;
pub mod dice;
pub mod drill;
pub mod fault;
pub mod history;
pub mod measure;
pub mod options;
pub mod ordeal;
pub mod report;
mod run;
pub mod target;
pub mod watch;
pub mod workload;

pub use bench::bench;
pub use options::{BenchOptions, CrucibleOptions, GroupOptions};
pub use report::Report;
pub use run::run;
