//! What agents and sentinels say to each other. Messages are JSON objects, one a line; unknown fields
//! are ignored and new ones have defaults, so that the previous version understands this one.

mod agent;
mod condition;
mod peer;

pub use agent::{
    FollowAhead, FromSentinel, Lease, Newest, Report, ServerState, TakeOver, ToSentinel,
};
pub use condition::Condition;
pub use peer::{Opinion, PeerMessage, Value, Verdict};

/// Version of these messages, told in the greeting. A peer with another one is refused clearly.
pub const WIRE_VERSION: u32 = 1;
