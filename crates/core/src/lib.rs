//! The pure core of Holdfast: what decides, without a socket, a clock or a random number.
//!
//! ```text
//!   shells (sentinel, agent)          core                          simulator
//!   sockets, disk, processes  ──▶  step(now, input) -> outputs  ◀──  virtual time, seeded faults
//! ```
//!
//! Everything that can lose data or run two primaries is decided here, so that the simulator runs
//! the very code that runs in production.

pub mod agent;
pub mod dataset;
pub mod decided;
pub mod gate;
pub mod limits;
pub mod mutant;
pub mod names;
pub mod position;
pub mod record;
pub mod register;
pub mod sentinel;
pub mod server_version;
pub mod session;
pub mod snapshot_format;
pub mod stamp;
pub mod status;
pub mod syncset;
pub mod time;
pub mod wire;
