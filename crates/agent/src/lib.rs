//! The agent: starts, supervises and fences one redis-server.

mod options;
pub mod server;

pub use options::Options;
