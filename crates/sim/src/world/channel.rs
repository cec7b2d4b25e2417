//! Connections: ordered and reliable until one side ends, as TCP is.
//!
//! What cannot pass because of a cut is held and arrives after the cut, in order, unless the connection
//! has ended by then (half-open on the side that has not noticed).

use super::network::Place;
use crate::model::{ClientId, LinkId, Message, Micros, Refusal};
use holdfast_core::wire::{FromSentinel, PeerMessage, Report};
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
    /// Agent to sentinels: one report for all of them.
    Up(Arc<Report>),
    /// Sentinel to agent.
    Down(Box<FromSentinel>),
    /// Sentinel to sentinel.
    Peer(Box<PeerMessage>),
    /// Replication.
    Replication(Message),
    /// A client's write.
    Write(u64),
    /// A client's read of everything: its number, and the value that it must not miss.
    Read(u64, Option<u64>),
    /// The answer to a write, or a refusal.
    Answer(u64, Result<(), Refusal>),
    /// What a read has found.
    Data(u64, Found),
}

/// What matters of what a read has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The newest value.
    pub last: Option<u64>,
    /// The value that had to be there, if it was not.
    pub missed: Option<u64>,
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
    /// Too much has waited: both sides are about to give it up, and what comes now is gone.
    pub(super) broken: bool,
}

/// All connections, found by their number: they are numbered as they are made.
#[derive(Debug, Default)]
pub(super) struct Channels {
    made: Vec<Option<Box<Channel>>>,
}

impl Channels {
    /// The number that the next connection gets.
    pub(super) fn next_id(&self) -> ChannelId {
        self.made.len() as ChannelId
    }

    /// Adds a connection.
    pub(super) fn add(&mut self, channel: Channel) -> ChannelId {
        self.made.push(Some(Box::new(channel)));
        self.next_id() - 1
    }

    pub(super) fn get(&self, id: ChannelId) -> Option<&Channel> {
        self.made.get(id as usize)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.made.get_mut(id as usize)?.as_deref_mut()
    }

    pub(super) fn remove(&mut self, id: ChannelId) {
        if let Some(place) = self.made.get_mut(id as usize) {
            *place = None;
        }
    }

    /// Those that stand, the oldest first.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (ChannelId, &mut Channel)> {
        let all = (0..).zip(&mut self.made);
        all.filter_map(|(id, channel)| Some((id, channel.as_deref_mut()?)))
    }
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
