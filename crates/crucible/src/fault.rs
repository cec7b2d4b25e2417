//! What goes wrong.

pub(crate) mod burden;
pub mod catalogue;
pub mod chaos;
pub mod cold;
pub mod copies;
pub mod empty;
pub mod handoff;
pub mod hostile;
pub mod inject;
pub mod pairs;
pub mod power;
pub mod remedy;
pub mod scene;
pub mod settings;

pub use catalogue::{Drill, Outlook};
pub use inject::inject;
pub use remedy::Remedy;
pub use scene::Scene;
