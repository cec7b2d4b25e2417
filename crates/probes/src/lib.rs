//! The HTTP side of a role: liveness, readiness, metrics.
//!
//! ```text
//!  kubelet, Prometheus ── GET ──▶ a thread of its own ── question ──▶ the role's loop
//!                         ◀── text ──      │          ◀── facts ─────────┘
//!                                          └── facts ──▶ sheet of metrics
//! ```
//!
//! Nothing is gathered while nobody asks, and whoever answers is alive: there is no heartbeat to keep. The
//! loop pays for one look at itself per question; connections, parsing and text are the thread's.

mod answer;
mod documented;
mod metrics;
mod process;
mod questions;
mod seats;
mod server;

pub use documented::{described, documented};
pub use metrics::{Metrics, Seconds};
pub use questions::{Question, Questions};
pub use server::start;

/// What a role knows of itself at one moment.
pub trait Facts: Send + 'static {
    /// Whether it can do its work now.
    ///
    /// # Errors
    /// Why not, in a sentence.
    fn ready(&self) -> Result<(), String>;

    /// Writes down all metrics of the role. The names must not depend on the facts.
    fn write(&self, metrics: &mut Metrics);
}
