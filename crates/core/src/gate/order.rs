//! What the agent's mind orders its gate to do.

use super::Hold;

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
}
