//! The agent: starts, supervises and fences one redis-server.
//!
//! ```text
//!  sentinels ◀── control ──▶ inbox ─▶ core.step ─▶ hands ─▶ redis-server (unix socket), watchdog
//!                              ▲           └─▶ memory (promise and position on disk)
//!                              └── looks, deaths, hangs ── server
//! ```

mod agent;
mod audience;
pub mod clients;
mod clock;
mod control;
mod facts;
pub mod gate;
mod memory;
mod options;
pub mod server;

pub use agent::run;
pub use audience::{Audience, Incident, Role};
pub use memory::MemoryError;
pub use options::Options;
