//! Tells Kubernetes what Holdfast has decided, and never asks it.
//!
//! ```text
//!  agent, sentinel ── newest role ──▶ ┌─ a thread of its own ─┐ ── label of the own pod
//!                  ── news, bounded ─▶│  compares, then writes │ ── EndpointSlice of the primary Service
//!                                     └────────────────────────┘ ── events
//! ```
//!
//! A mirror never blocks whoever tells it, and nothing that Holdfast does hangs on it: with the API server down a
//! failover is as fast as ever, and Kubernetes hears of it later. What is told already is not written again.

mod api;
mod events;
mod mirror;
mod news;
mod pod;
mod role;
mod slice;

pub use api::chain;
pub use mirror::{Mirror, Place, Server};
pub use news::{News, Role};
