//! What the agent's mind orders its gate to do.

use super::Hold;
use crate::names::{Address, Epoch};

/// The newest order counts, from the moment at which it arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GateOrder {
    /// Drop what is held, close all clients, take none. Replicas may connect.
    #[default]
    Shut,
    /// A replica's: relay as it comes. What is read may be old.
    Stale,
    /// A primary's that promises nothing: relay as it comes.
    Pass,
    /// A handoff: nothing more goes to the server, nothing is closed, and what is held is still released by the rules in
    /// force.
    Pause,
    /// A primary's: release by these rules.
    Hold(Hold),
    /// A former primary's, after a handoff: nothing goes to its server; running sessions that can go on elsewhere do, and
    /// whoever comes now is taken there too.
    Carry(Carry),
}

/// Where sessions go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carry {
    /// The reign of the new primary.
    pub epoch: Epoch,
    /// Its gate.
    pub to: Address,
}
