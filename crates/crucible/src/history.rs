//! Every operation of a round: when it was invoked, when it completed, whether it happened.

pub mod operation;
pub mod pulse;
pub mod record;

pub use operation::{Action, Operation, Outcome};
pub use pulse::Pulse;
pub use record::{History, Recorder};
