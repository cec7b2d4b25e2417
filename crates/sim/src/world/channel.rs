//! Connections: ordered and reliable until one side ends, as TCP is.
//!
//! What cannot pass because of a cut is held and arrives after the cut, in order, unless the connection
//! has ended by then (half-open on the side that has not noticed).

use super::network::Place;
use crate::model::{ClientId, LinkId, Message, Micros, Refusal};
use holdfast_core::names::Sentinel;
use holdfast_core::wire::{FromSentinel, PeerMessage, ToSentinel};
use std::collections::VecDeque;
use std::sync::Arc;

/// Number of a connection.
pub(super) type ChannelId = u64;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Agent to sentinel.
    Agent,
    /// Sentinel to sentinel.
    Peer,
    /// redis-server to redis-server.
    Replication(LinkId),
    /// Client to redis-server.
    Client(ClientId),
    /// Client to the gate in a node's agent.
    Gate,
}

/// What travels.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    /// The connection stands.
    Opened,
    /// The other side has ended it.
    Closed,
    /// This side has given it up, which says nothing of the other.
    Lost,
    /// Agent to sentinel.
    Up(Box<ToSentinel>),
    /// Sentinel to agent.
    Down(Box<FromSentinel>),
    /// Sentinel to sentinel.
    Peer(Sentinel, Box<PeerMessage>),
    /// Replication.
    Replication(Message),
    /// A client's write.
    Write(u64),
    /// A client's read of everything, by its number.
    Read(u64),
    /// The answer to a write, or a refusal.
    Answer(u64, Result<(), Refusal>),
    /// What a read has found.
    Data(u64, Arc<Vec<u64>>),
}

/// One side of a connection: a process at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Where.
    pub(super) place: Place,
    /// Which run of the process there; messages for another run are dropped.
    pub(super) run: u64,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Arrival of the last message sent: the next may not overtake it.
    pub(super) last_arrival: Micros,
    /// What waits for the end of a cut.
    pub(super) held: VecDeque<Payload>,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Channel {
    /// What for.
    pub(super) purpose: Purpose,
    /// The side that dialled, and the other.
    pub(super) ends: [End; 2],
    /// Whether each side still considers it open.
    pub(super) open: [bool; 2],
    /// From side 0 to side 1, and back.
    pub(super) lanes: [Lane; 2],
    /// Since when nothing has passed, as noticed by the keep-alive check.
    pub(super) cut_since: Option<Micros>,
}

impl Channel {
    /// A connection that stands.
    pub(super) fn new(purpose: Purpose, from: End, to: End) -> Self {
        Self {
            purpose,
            ends: [from, to],
            open: [true, true],
            lanes: Default::default(),
            cut_since: None,
        }
    }

    /// The places of a message from `side`.
    pub(super) fn path(&self, side: usize) -> (Place, Place) {
        (self.ends[side].place, self.ends[1 - side].place)
    }

    /// The side that is at `place`.
    pub(super) fn side_at(&self, place: Place) -> usize {
        usize::from(self.ends[0].place != place)
    }
}
