//! A round: a whole group, clients at work, a fault, the way back, the check.

pub mod keepsakes;
pub mod outcome;
pub mod play;
pub mod settle;
pub mod stage;
pub mod workplace;

pub use outcome::RoundResult;
pub use play::{Keep, RoundSpec, play};
pub use stage::Stage;
pub use workplace::Workplace;
