//! The sentinel: the shell round the core that holds the register, watches, elects and repoints.

mod options;

pub use options::{GroupOptions, Options, Peer};
