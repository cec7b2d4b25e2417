//! The Sentinel protocol for clients: commands, replies, events, sessions.
//!
//! ```text
//!  the sentinel ──View (ArcSwap)──▶ ┌────────┐ ◀── SENTINEL GET-MASTER-ADDR-BY-NAME, MASTERS, … ── clients
//!               ──Event (broadcast)▶│ serve  │ ──▶ +switch-master, +sdown, … to subscribers
//!               ◀─ActionRequest─────└────────┘ ◀── SENTINEL FAILOVER / SET / RESET, HOLDFAST …
//! ```
//!
//! This crate knows nothing of the register: it answers from a [`View`] that the sentinel publishes, and forwards what changes
//! anything as an [`ActionRequest`]. The commands are a pure function ([`handle`]); [`serve`] is the thin shell of sockets round it.
//! Run it on a thread of its own ([`spawn`]), so that a flood of clients never delays the control plane.
//!
//! On the wire the words are those of Redis Sentinel (master, slave); in the code those of Holdfast (primary, replica).

mod acl;
mod action;
mod commands;
mod event;
mod glob;
mod options;
mod server;
mod session;
mod view;

pub use acl::{Acl, AclError, User};
pub use action::{ActionKind, ActionRequest, Setting};
pub use commands::{
    ClientLine, ClientTable, Environment, Facts, Outcome, ReplyForm, Request, handle,
};
pub use event::{Event, Subject};
pub use glob::glob_matches;
pub use options::{ClientLimits, Options, TlsOptions};
pub use server::{Handle, Renewal, ServeError, Server, Wiring, serve, spawn};
pub use session::{Origin, Session};
pub use view::{
    Address, CachedInfo, Clock, FailoverState, Group, Link, Ms, Node, Reconfiguration,
    SentinelPeer, SentinelSettings, View,
};

/// The version of Redis that is shown where clients ask for one: what libraries decide their dialect by.
pub const COMPATIBLE_VERSION: &str = "7.2.4";
