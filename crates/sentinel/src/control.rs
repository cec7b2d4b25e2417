//! Connections with agents and other sentinels.

mod dialing;
mod inbound;
mod strangers;

pub(crate) use dialing::Dialing;
pub(crate) use inbound::listen;

use holdfast_core::decided::Decided;
use holdfast_core::names::{Group, Node, Sentinel};
use holdfast_core::wire::{PeerMessage, Report};
use holdfast_link::Outbox;
use std::net::IpAddr;
use std::sync::Arc;

/// Number of one connection, to tell a new one from the one that it replaces.
pub(crate) type Connection = u64;

/// What the control connections and the disk tell the sentinel.
#[derive(Debug)]
pub(crate) enum Notice {
    /// An agent is connected.
    AgentLinked(Connection, Group, Node, Outbox),
    /// Its connection ended; whether the other end ended it.
    AgentGone(Connection, Group, Node, bool),
    /// It reported.
    Report(Connection, Group, Node, Arc<Report>),
    /// It decided something.
    AgentDecision(Group, Node, Decided),
    /// A sentinel can be reached, at this address.
    PeerLinked(Sentinel, Outbox, IpAddr),
    /// It cannot any more.
    PeerGone(Sentinel),
    /// A sentinel said something.
    Peer(Sentinel, PeerMessage),
    /// Something is on disk; these messages may be sent.
    Persisted(Vec<(Sentinel, PeerMessage)>),
}

/// Most notices that wait; a connection whose notice finds no room waits, and so does its sender.
pub(crate) const INBOX_MAX: usize = 8192;
