//! The model Redis: what one redis-server does that Holdfast can notice, as a pure machine.
//!
//! ```text
//!   command ──┐                        ┌──▶ Reply (at once, or later for a held write)
//!   message ──┼──▶ Server(now) ────────┼──▶ Effect::Connect / Send / Close   (replication links)
//!   tick ─────┘        │               └──▶ Effect::ClosedClients
//!                      └──▶ Files: what survives a crash
//! ```
//!
//! `tests/conformance.rs` holds it against real servers: the same script, the same observable facts.

mod backlog;
mod boot;
mod command;
mod copy;
mod damage;
mod files;
mod info;
mod marks;
mod primary;
mod replica;
mod script;
mod server;
mod version;

pub use backlog::{Backlog, Entry, Op};
pub use command::{ClientId, Command, Effect, LinkId, Message, Refusal, Reply};
pub use copy::CopyFault;
pub use damage::Damage;
pub use files::{Files, Image, Logged, Persistence};
pub use info::{Info, ReplicaInfo};
pub use server::{Replid, Server, Settings};

/// Microseconds of simulated time.
pub type Micros = u64;
