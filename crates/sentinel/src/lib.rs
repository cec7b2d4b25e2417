//! The sentinel: the shell round the core that holds the register, watches, elects and repoints.
//!
//! ```text
//!  agents ──┐                       ┌── disk thread (register file, fsync) ──┐
//!  peers  ──┼─ control ─▶ inbox ─▶ core.step ─▶ outputs ─▶ control, disk ◀───┘
//!  ticks  ──┘                       └── view, events ─▶ clients' thread (Sentinel protocol)
//! ```
//!
//! One thread runs the core and the control connections; fsync and clients have threads of their own,
//! so that neither a slow disk nor a flood of clients delays a heartbeat.

mod audience;
mod bell;
mod clients;
mod control;
mod decisions;
mod facts;
mod options;
mod register_file;
mod sentinel;
mod tally;

pub use audience::{Audience, Event};
pub use options::{GroupOptions, HANDOFF_PACE_MS, Options, Peer};
pub use register_file::{Opened, RegisterFile, RegisterFileError};
pub use sentinel::run;
