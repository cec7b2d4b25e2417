//! What clients write, so that loss, repetition and disorder show.

mod bank;
pub mod crew;
pub mod desk;
pub mod lane;
mod members;
pub mod names;
mod plain;
mod queue;
mod registers;
mod tracking;
pub mod worker;

pub use crew::{Crew, CrewLog, CrewSpec};
pub use desk::Desk;
pub use lane::Lane;
pub use worker::Workload;
