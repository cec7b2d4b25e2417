//! A whole group of real processes on this machine, for `holdfast up`, the tests and the drills.
//!
//! ```text
//!   Spec ──validate──▶ Plan (names, ports; DIR/plan.json) ──▶ role configs (DIR/<name>/<role>.yaml)
//!                                                                │ spawn `holdfast sentinel|agent`
//!   DIR/cluster.json ◀── what runs now ◀── one supervising task per process ◀──┘
//! ```
//!
//! [`LocalGroup::start`] does it all; dropping the handle or ending the calling process ends every child.

mod atomic_file;
mod backoff;
mod client;
mod config;
mod connection;
mod error;
mod event;
mod group;
mod listening;
mod lock;
mod manifest;
mod orphan;
mod plan;
mod ports;
mod preflight;
mod process;
mod readiness;
mod secret;
mod server_pid;
mod spec;
mod supervisor;

pub use client::{AskError, Handoff, SentinelClient};
pub use connection::{Connection, Stream};
pub use error::StartError;
pub use event::Event;
pub use group::LocalGroup;
pub use manifest::{Manifest, NodeEntry, SentinelEntry};
pub use orphan::die_with_parent;
pub use process::{Target, TargetKind};
pub use readiness::NotReady;
pub use spec::Spec;

/// Name of the manifest in the group's directory.
pub const MANIFEST_FILE: &str = "cluster.json";
