//! One connection of a client (or a replica), and its own connection to the server.

mod passage;
mod replies;
mod requests;
mod seat;

use super::bytes::Bytes;
use super::hall::Hall;
use super::poller::{Event, Poller, Source};
use super::wire::Wire;
use holdfast_core::gate::{Connection, Follower, Following, Handshake, Micros};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Epoch;
use holdfast_core::session::Session;
use passage::Passage;
use rustix::io::Errno;
use std::net::SocketAddr;

pub(super) use passage::{Crossing, Step, Tokens};

/// Who it is.
#[derive(Debug)]
enum Phase {
    /// Not known.
    Opening(Box<Handshake>),
    Client,
    /// A member that gets the stream, and how the core knows it.
    Replica(Box<Follower>, Following),
}

/// Why a relay ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended;

impl From<Errno> for Ended {
    fn from(_: Errno) -> Self {
        Self
    }
}

/// Both ways of one connection.
#[derive(Debug)]
pub(super) struct Relay {
    slot: usize,
    client: Wire,
    server: Wire,
    /// What is known of its session, and where that is on its way to another server.
    session: Session,
    passage: Option<Box<Passage>>,
    /// Why its server and the gate do not agree on what it is.
    contradiction: Option<&'static str>,
    carried: bool,
    /// The reign to which it was carried; gates that it came through before this one; it is about to take a shorter way.
    carried_to: Epoch,
    hops: u8,
    homing: bool,
    /// It came to the address of the primary before: see [`passage::visiting`].
    visitor: bool,
    /// It takes a shorter way as soon as everything is answered; how often it has kept a longer one because it listens.
    wants_home: bool,
    detours: u8,
    /// The client itself, where another gate brought the session and told.
    origin: Option<SocketAddr>,
    /// Read and not to be sent to this server any more, unless it is to go on with it.
    pending: Vec<u8>,
    phase: Phase,
    /// Its stream waits for the next gulp; or it flows in such amounts that it is not to wait.
    put_off: bool,
    flows: bool,
    /// As the core knows it, while its replies are held; and the bytes read for it since.
    held_as: Option<Connection>,
    total: u64,
    to_server: Bytes,
    to_client: Bytes,
    /// The last bytes of `to_client` that are not released.
    held: usize,
    from_client: Side,
    from_server: Side,
}

/// What is known of a socket without asking it.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// It may have something to read.
    readable: bool,
    /// Its other end has closed: an end is to be read after the last bytes.
    closing: bool,
    /// Nothing more will come.
    ended: bool,
    /// It took less than it was given, and rings when it has room.
    full: bool,
}

impl Relay {
    pub(super) fn new(slot: usize, client: Wire, server: Wire, mutant: Mutant) -> Self {
        Self {
            slot,
            client,
            server,
            session: Session::new(mutant),
            passage: None,
            contradiction: None,
            carried: false,
            carried_to: 0,
            hops: 0,
            homing: false,
            visitor: false,
            wants_home: false,
            detours: 0,
            origin: None,
            pending: Vec::new(),
            phase: Phase::Opening(Box::new(Handshake::new(mutant))),
            put_off: false,
            flows: false,
            held_as: None,
            total: 0,
            to_server: Bytes::default(),
            to_client: Bytes::default(),
            held: 0,
            from_client: Side::default(),
            from_server: Side::default(),
        }
    }

    pub(super) fn watch(&self, poller: &Poller) -> Result<(), Ended> {
        poller.add(&self.client, Source::Client(self.slot))?;
        Ok(poller.add(&self.server, Source::Server(self.slot))?)
    }

    /// Whether it is, or is about to be, a replica.
    pub(super) fn is_replica(&self) -> bool {
        match &self.phase {
            Phase::Opening(handshake) => handshake.is_member() || handshake.is_syncing(),
            Phase::Client => false,
            Phase::Replica(..) => true,
        }
    }

    /// Its connection in the core, if it is a member's that gets the stream.
    pub(super) fn following(&self) -> Option<Following> {
        match &self.phase {
            Phase::Replica(_, following) => Some(*following),
            _ => None,
        }
    }

    /// Whether a reply that no rule holds may not go to its client any more. Elsewhere another gate answers for it.
    fn comes_too_late(&self, hall: &Hall) -> bool {
        self.held_as.is_none() && !self.is_replica() && !self.carried && hall.is_over()
    }

    /// Its connection in the core, if its replies are held.
    pub(super) fn held_as(&self) -> Option<Connection> {
        self.held_as
    }

    /// Whether it does not know yet with whom it speaks, on either side, or is on its way to another server.
    pub(super) fn has_deadline(&self) -> bool {
        self.client.is_shaking_hands() || self.server.is_shaking_hands() || self.is_crossing()
    }

    /// Whether that takes too long.
    pub(super) fn is_overdue(&self, now: Micros) -> bool {
        self.client.is_late() || self.server.is_late() || self.arrives_too_late(now)
    }

    /// Bytes that wait in it.
    pub(super) fn waiting(&self) -> usize {
        self.to_server.len() + self.to_client.len() + self.pending.len()
    }

    /// Whether it could go on without any news.
    pub(super) fn is_ready(&self, hall: &Hall) -> bool {
        self.may_read_client(hall) || self.may_read_server(hall)
    }

    /// News of the client's socket.
    pub(super) fn on_client(&mut self, event: Event, hall: &mut Hall) -> Result<(), Ended> {
        self.from_client.readable |= event.readable;
        self.from_client.closing |= event.ended;
        if event.writable && self.from_client.full {
            self.flush(hall)?;
        }
        self.take_requests(hall)
    }

    /// News of the server's socket.
    pub(super) fn on_server(&mut self, event: Event, hall: &mut Hall) -> Result<(), Ended> {
        if self.passage.is_some() && self.is_crossing() {
            return self.on_crossing(event, hall);
        }
        self.from_server.readable |= event.readable;
        self.from_server.closing |= event.ended;
        if event.writable && self.from_server.full {
            self.push_requests(hall)?;
            self.take_requests(hall)?;
        }
        if self.puts_off(hall) {
            return Ok(());
        }
        self.take_replies(hall)
    }

    /// Goes on where it stopped.
    pub(super) fn resume(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        self.stay(hall)?;
        self.take_requests(hall)?;
        self.take_replies(hall)
    }

    /// From now on its replies are held, or they are not, and what was held goes out. A visitor is a client like any other from here on.
    pub(super) fn hold(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        self.visitor = false;
        let held = self.held_as.is_some();
        if !matches!(self.phase, Phase::Client) || self.is_carried() || hall.holding == held {
            return Ok(());
        }
        if hall.holding {
            let connection = hall.core.open(self.slot);
            if self.session.listens() {
                hall.core.listens(connection);
            }
            self.held_as = Some(connection);
            self.total = 0;
            return Ok(());
        }
        self.held_as = None;
        self.held = 0;
        self.flush(hall)
    }
}
