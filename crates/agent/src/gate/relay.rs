//! One connection of a client (or a replica), and its own connection to the server.

mod passage;

use super::bounds::{HELD_ALWAYS, HELD_PER_CLIENT, HELD_TOTAL, OPENING, READ, READS_PER_TURN};
use super::bytes::Bytes;
use super::gulps::Gulps;
use super::lease::Lease;
use super::opening::{Opening, judge};
use super::poller::{Event, Poller, Source};
use super::replica::Replica;
use super::spare::Spare;
use holdfast_core::gate::{Connection, Gate, Micros};
use holdfast_core::names::Epoch;
use holdfast_core::session::Session;
use passage::{Passage, WELCOME, greeted};
use rustix::buffer::spare_capacity;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};
use std::sync::Arc;

pub(super) use passage::{Crossing, Step, Tokens};

/// What all relays share.
#[derive(Debug)]
pub(super) struct Hall {
    pub(super) core: Gate,
    pub(super) poller: Poller,
    /// What was just read.
    pub(super) scratch: Vec<u8>,
    /// What large replies are read into.
    pub(super) spare: Spare,
    pub(super) now: Micros,
    /// What the core released last.
    pub(super) released: Vec<(Connection, u64)>,
    /// Bytes that wait in all relays.
    pub(super) waiting: usize,
    /// Replies of clients are held.
    pub(super) holding: bool,
    /// Clients are served at all.
    pub(super) open: bool,
    /// Nothing of clients goes to the server.
    pub(super) paused: bool,
    /// Until when replies may be passed on without a rule, and whether they are.
    pub(super) lease: Arc<Lease>,
    pub(super) leased: bool,
    /// The reign that clients are served in.
    pub(super) reign: Option<Epoch>,
    /// Sessions on their way to another server.
    pub(super) crossing: Crossing,
    /// Streams to replicas that nobody waits for.
    pub(super) gulps: Gulps,
}

impl Hall {
    /// Whether the time is over in which this gate may pass replies on: it is as good as shut, whoever is to say so.
    fn is_over(&self) -> bool {
        self.leased && self.lease.is_over()
    }
}

/// Who it is.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// Not known; the beginning of a command that is not complete.
    Opening(Vec<u8>),
    Client,
    /// It has asked for the stream and not been answered.
    Syncing,
    /// It gets the stream.
    Replica,
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
    client: OwnedFd,
    server: OwnedFd,
    /// What is known of its session, and where that is on its way to another server.
    session: Session,
    passage: Option<Box<Passage>>,
    carried: bool,
    /// The reign to which it was carried; gates that it came through before this one; it is about to take a shorter way.
    carried_to: Epoch,
    hops: u8,
    homing: bool,
    /// Read and not to be sent to this server any more, unless it is to go on with it.
    pending: Vec<u8>,
    phase: Phase,
    /// What a replica, or what may become one, has told of itself.
    replica: Option<Box<Replica>>,
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
    pub(super) fn new(slot: usize, client: OwnedFd, server: OwnedFd, session: Session) -> Self {
        Self {
            slot,
            client,
            server,
            session,
            passage: None,
            carried: false,
            carried_to: 0,
            hops: 0,
            homing: false,
            pending: Vec::new(),
            phase: Phase::Opening(Vec::new()),
            replica: None,
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

    /// Whether it is, or asks to be, a replica.
    pub(super) fn is_replica(&self) -> bool {
        matches!(self.phase, Phase::Syncing | Phase::Replica)
    }

    /// Whether a reply that no rule holds may not go to its client any more. Elsewhere another gate answers for it.
    fn comes_too_late(&self, hall: &Hall) -> bool {
        self.held_as.is_none() && !self.is_replica() && !self.carried && hall.is_over()
    }

    /// Its connection in the core, if its replies are held.
    pub(super) fn held_as(&self) -> Option<Connection> {
        self.held_as
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

    /// Its gulp is due.
    pub(super) fn gulp(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        self.put_off = false;
        self.take_replies(hall)
    }

    /// Leaves the stream of a replica that nobody waits for to the next gulp.
    fn puts_off(&mut self, hall: &mut Hall) -> bool {
        let spared = !hall.paused
            && !self.flows
            && !self.from_server.closing
            && self.phase == Phase::Replica
            && self
                .replica
                .as_mut()
                .and_then(|replica| replica.address())
                .is_some_and(|at| hall.core.can_spare(at));
        if spared && !self.put_off {
            hall.gulps.put_off(self.slot, hall.now);
        }
        self.put_off = spared;
        spared
    }

    /// Goes on where it stopped.
    pub(super) fn resume(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        self.stay(hall)?;
        self.take_requests(hall)?;
        self.take_replies(hall)
    }

    /// The core released everything up to this many bytes since it knows this connection.
    pub(super) fn release(&mut self, up_to: u64, hall: &mut Hall) -> Result<(), Ended> {
        self.held = self.held.min(self.total.saturating_sub(up_to) as usize);
        self.flush(hall)
    }

    /// From now on its replies are held, or they are not, and what was held goes out.
    pub(super) fn hold(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        let held = self.held_as.is_some();
        if self.phase != Phase::Client || self.is_carried() || hall.holding == held {
            return Ok(());
        }
        if hall.holding {
            self.held_as = Some(hall.core.open(self.slot));
            self.total = 0;
            return Ok(());
        }
        self.held_as = None;
        self.held = 0;
        self.flush(hall)
    }

    fn may_read_client(&self, hall: &Hall) -> bool {
        self.from_client.readable
            && self.to_server.len() == 0
            && !self.from_server.ended
            && !self.is_stopped(hall)
    }

    fn may_read_server(&self, hall: &Hall) -> bool {
        let own = self.to_client.len();
        let room = own < HELD_ALWAYS || (own < HELD_PER_CLIENT && hall.waiting < HELD_TOTAL);
        self.from_server.readable && room && !self.put_off && !self.leaves_replies(hall)
    }

    fn take_requests(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        if !self.pending.is_empty() && !self.is_stopped(hall) && self.to_server.len() == 0 {
            let pending = std::mem::take(&mut self.pending);
            hall.waiting -= pending.len();
            self.request(&pending, hall)?;
        }
        for _ in 0..READS_PER_TURN {
            if !self.may_read_client(hall) {
                break;
            }
            hall.scratch.clear();
            let into = spare_capacity(&mut hall.scratch);
            match recv(&self.client, into, RecvFlags::empty()) {
                Ok((0, _)) => {
                    self.from_client.readable = false;
                    self.from_client.ended = true;
                    // What it has asked for is still answered.
                    shutdown(&self.server, Shutdown::Write)?;
                }
                Ok((read, _)) => {
                    self.from_client.readable = read == READ || self.from_client.closing;
                    let bytes = std::mem::take(&mut hall.scratch);
                    let done = self.ask(&bytes, hall);
                    hall.scratch = bytes;
                    done?;
                }
                Err(Errno::AGAIN) => self.from_client.readable = false,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn ask(&mut self, bytes: &[u8], hall: &mut Hall) -> Result<(), Ended> {
        match &mut self.phase {
            Phase::Opening(before) => {
                before.extend_from_slice(bytes);
                let said = std::mem::take(before);
                self.open(said, hall)
            }
            // It talks before it is answered: that is no replica.
            Phase::Syncing => Err(Ended),
            Phase::Client => self.request(bytes, hall),
            Phase::Replica => self.acknowledge(bytes, hall),
        }
    }

    /// Bytes of a client. While the gate is paused only what was begun goes on; the rest waits for where it is to go.
    fn request(&mut self, bytes: &[u8], hall: &mut Hall) -> Result<(), Ended> {
        let end = if hall.paused && !self.carried {
            self.session.note_to_rest(hall.now, bytes)
        } else {
            self.session.note(hall.now, bytes);
            bytes.len()
        };
        self.pending.extend_from_slice(&bytes[end..]);
        hall.waiting += bytes.len() - end;
        self.forward(&bytes[..end], hall)
    }

    fn open(&mut self, said: Vec<u8>, hall: &mut Hall) -> Result<(), Ended> {
        match judge(&said) {
            Opening::Carried(end) => self.welcome(&said, end, hall),
            Opening::Handshake(end) if said.len() - end <= OPENING => {
                self.session.note(hall.now, &said[..end]);
                self.introduce(&said[..end]);
                self.forward(&said[..end], hall)?;
                self.phase = Phase::Opening(said[end..].to_vec());
                Ok(())
            }
            Opening::Replica(end) if end == said.len() => {
                self.phase = Phase::Syncing;
                self.introduce(&said);
                self.forward(&said, hall)
            }
            Opening::Replica(_) => Err(Ended),
            Opening::Handshake(_) | Opening::Client if !hall.open => Err(Ended),
            Opening::Handshake(_) | Opening::Client => {
                self.phase = Phase::Client;
                self.replica = None;
                self.hold(hall)?;
                self.request(&said, hall)
            }
        }
    }

    /// A session that comes from another gate, to this reign or a later one.
    fn welcome(&mut self, said: &[u8], end: usize, hall: &mut Hall) -> Result<(), Ended> {
        let (epoch, hops) = greeted(&said[..end]).ok_or(Ended)?;
        if hall.reign.is_none_or(|reign| reign < epoch) {
            return Err(Ended);
        }
        send(&self.client, WELCOME, SendFlags::NOSIGNAL)?;
        self.hops = hops;
        self.phase = Phase::Client;
        self.hold(hall)?;
        self.request(&said[end..], hall)
    }

    /// Listens to a handshake.
    fn introduce(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.replica.get_or_insert_default().hear(bytes);
        }
    }

    /// What a replica says goes on to the server, and counts once the server's socket took it: so it was still connected to
    /// that very process.
    fn acknowledge(&mut self, bytes: &[u8], hall: &mut Hall) -> Result<(), Ended> {
        self.forward(bytes, hall)?;
        if let Some(replica) = &mut self.replica
            && let Some(applied) = replica.hear(bytes)
            && self.to_server.len() == 0
            && let Some(address) = replica.address()
        {
            let now = hall.now;
            hall.core.acknowledged(now, address, applied);
        }
        Ok(())
    }

    fn forward(&mut self, bytes: &[u8], hall: &mut Hall) -> Result<(), Ended> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(connection) = self.held_as {
            hall.core.asked(hall.now, connection);
        }
        let taken = sent(send(&self.server, bytes, SendFlags::NOSIGNAL))?;
        if taken < bytes.len() {
            self.to_server.push(&bytes[taken..]);
            hall.waiting += bytes.len() - taken;
            self.mind_server(true, hall)?;
        }
        Ok(())
    }

    fn push_requests(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        let written = self
            .to_server
            .write(&self.server, self.to_server.len(), &mut hall.spare)?;
        hall.waiting -= written;
        self.mind_server(self.to_server.len() > 0, hall)
    }

    fn take_replies(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        let mut large = false;
        for _ in 0..READS_PER_TURN {
            if !self.may_read_server(hall) {
                break;
            }
            match self.take_reply(large, hall) {
                Ok((0, _)) => {
                    self.from_server.readable = false;
                    self.from_server.ended = true;
                }
                Ok((_, more)) => {
                    self.from_server.readable = more || self.from_server.closing;
                    self.flows = more;
                    large = more;
                }
                Err(Errno::AGAIN) => self.from_server.readable = false,
                Err(error) => return Err(error.into()),
            }
        }
        if self.held_as.is_none() {
            self.flush(hall)?;
        }
        self.end_if_done()
    }

    /// One read. Returns how much it was and whether there may be more.
    fn take_reply(&mut self, large: bool, hall: &mut Hall) -> Result<(usize, bool), Errno> {
        if self.passage.is_some() {
            return self.take_answer(hall);
        }
        if large {
            let (read, more) = self
                .to_client
                .read(&self.server, &mut hall.spare, hall.now)?;
            self.note_reply(read, read, hall);
            return Ok((read, more));
        }
        hall.scratch.clear();
        let into = spare_capacity(&mut hall.scratch);
        let (read, _) = recv(&self.server, into, RecvFlags::empty())?;
        let mut taken = 0;
        if self.held_as.is_none() && read > 0 {
            if self.comes_too_late(hall) {
                return Err(Errno::CONNABORTED);
            }
            if self.phase == Phase::Syncing {
                self.judge_stream(hall)?;
            }
            if self.to_client.len() == 0 {
                taken = sent(send(&self.client, &hall.scratch, SendFlags::NOSIGNAL))?;
            }
        }
        self.to_client.push(&hall.scratch[taken..]);
        self.note_reply(read, read - taken, hall);
        Ok((read, read == READ))
    }

    fn note_reply(&mut self, read: usize, kept: usize, hall: &mut Hall) {
        hall.waiting += kept;
        if let Some(connection) = self.held_as
            && read > 0
        {
            self.total += read as u64;
            self.held += read;
            hall.core.held(connection, read as u64);
        }
    }

    /// The answer to the request for the stream. A refusal is passed on, and nothing behind it: whoever was refused is no
    /// replica, and its other replies were not held.
    fn judge_stream(&mut self, hall: &mut Hall) -> Result<(), Errno> {
        if hall.scratch.first() == Some(&b'-') {
            let _ = send(&self.client, &hall.scratch, SendFlags::NOSIGNAL);
            return Err(Errno::CONNABORTED);
        }
        self.phase = Phase::Replica;
        Ok(())
    }

    fn flush(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        let most = self.to_client.len() - self.held;
        if most > 0 {
            if self.comes_too_late(hall) {
                return Err(Ended);
            }
            let written = self.to_client.write(&self.client, most, &mut hall.spare)?;
            hall.waiting -= written;
            self.mind_client(written < most, hall)?;
        } else if self.from_client.full {
            self.mind_client(false, hall)?;
        }
        self.end_if_done()
    }

    fn end_if_done(&self) -> Result<(), Ended> {
        if self.from_server.ended && self.to_client.len() == 0 {
            Err(Ended)
        } else {
            Ok(())
        }
    }

    fn mind_client(&mut self, full: bool, hall: &Hall) -> Result<(), Ended> {
        if std::mem::replace(&mut self.from_client.full, full) != full {
            let source = Source::Client(self.slot);
            hall.poller.watch_room(&self.client, source, full)?;
        }
        Ok(())
    }

    fn mind_server(&mut self, full: bool, hall: &Hall) -> Result<(), Ended> {
        if std::mem::replace(&mut self.from_server.full, full) != full {
            let source = Source::Server(self.slot);
            hall.poller.watch_room(&self.server, source, full)?;
        }
        Ok(())
    }
}

/// A full socket took nothing.
fn sent(sent: Result<usize, Errno>) -> Result<usize, Errno> {
    match sent {
        Err(Errno::AGAIN) => Ok(0),
        other => other,
    }
}
