//! The Sentinel protocol for clients: commands, replies, events, sessions.
