//! A minimal Sentinel-aware client: one operation at a time, every outcome told apart.

pub mod announcements;
pub mod chronicle;
pub mod connection;
pub mod directory;
pub mod session;

pub use announcements::{Announcements, Switch};
pub use chronicle::{Chronicle, Sighting};
pub use connection::{CallError, Connection};
pub use directory::Directory;
pub use session::{Answer, Session};
