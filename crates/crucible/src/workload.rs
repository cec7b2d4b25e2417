//! What clients write, so that loss, repetition and disorder show.

pub mod crew;
pub mod lane;
pub mod names;
pub mod worker;

pub use crew::{Crew, CrewLog, CrewSpec};
pub use lane::Lane;
pub use worker::Workload;
