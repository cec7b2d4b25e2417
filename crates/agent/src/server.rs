//! The one redis-server (or valkey-server) beside an agent: its configuration, its process, its health, the
//! link to it and the dead man's switch. It decides nothing about roles; it executes.
//!
//! ```text
//!                 ┌────────────── agent (one thread) ──────────────┐
//!   options ─▶ config::render ─▶ Server::start ──fork──▶ redis-server ◀── clients and replicas by TCP
//!                                   │                      ▲  ▲  ▲
//!             Event::Died/Hung ◀── watch ── /proc, PING ───┘  │  │  unix socket
//!             info, seal, promote… ── Link ───────────────────┘  │
//!             lease's deadline ── Watchdog ══pipe══▶ watchdog process (fences or kills when the agent cannot)
//! ```
//!
//! A server is *born sealed*: a replica of a dead address, read-only, its write fence closed. Only an order
//! (`Link::follow`, `Link::promote`, `Link::open`) changes that.
//!
//! Linux only: death, hangs and parent-death protection rest on `/proc`, `prctl` and `timerfd`.

pub mod cgroup;
pub mod config;
pub mod data;
mod drift;
mod event;
pub mod hang;
mod link;
mod log;
mod login;
mod masterauth;
pub(crate) mod probe;
mod process;
pub mod reaper;
mod renewal;
mod socket;
mod spawn;
pub mod stat;
mod unread;
mod version;
mod watch;
pub mod watchdog;

pub use drift::{Drift, Guard};
pub use event::{Death, DeathReason, Event};
pub use link::{ConnectedReplica, Info, Link, LinkError, Persistence, Replication, Role};
pub(crate) use log::Trail;
pub use login::Login;
pub(crate) use masterauth::Masterauth;
pub(crate) use process::log_path;
pub use process::{Configuration, Door, Server, StartError, Stopped, configure};
pub use renewal::{Renewal, RenewalError};
pub(crate) use socket::Socket;
pub use version::{Flavour, Version, VersionError};
pub use watch::Watch;
pub use watchdog::{Watchdog, WatchdogCommand};

/// Name of the ACL user by which agents, replicas and watchdogs talk to a server. Never given to clients.
pub const USER: &str = "holdfast";

/// The address that a sealed server "follows". Nothing listens on port 1 of a host's own loopback, and the
/// attempt costs one refused connect a second.
pub const DEAD_HOST: &str = "127.0.0.1";

/// Port of [`DEAD_HOST`].
pub const DEAD_PORT: u16 = 1;

/// The key of the stamp, in the database behind those of the clients.
pub(crate) const STAMP: &str = "holdfast:stamp";

/// `min-replicas-to-write` that no server can meet: the closed write fence.
pub const FENCE: u32 = 2_147_483_647;

/// Settings of a server that gives no full copies: a streamed one waits for that many seconds, sixty years, and who asks for
/// it goes on with the data that it has.
pub const NO_COPIES: [[&str; 2]; 2] = [
    ["repl-diskless-sync", "yes"],
    ["repl-diskless-sync-delay", "2147483647"],
];
