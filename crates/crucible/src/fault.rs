//! What goes wrong.

pub(crate) mod burden;
pub mod catalogue;
pub mod chaos;
pub mod empty;
pub mod handoff;
pub mod inject;
pub mod pairs;
pub mod power;
pub mod remedy;
pub mod scene;

pub use catalogue::{Drill, Outlook};
pub use inject::inject;
pub use remedy::Remedy;
pub use scene::Scene;
