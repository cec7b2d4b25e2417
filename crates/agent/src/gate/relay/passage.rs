//! How a session leaves its server and goes on at another one.
//!
//! ```text
//!  paused, at rest ─▶ Asked ─(answered; or blocked, and quiet)─▶ Settled ─(another rules)─▶ Waiting
//!      Waiting ─▶ Dialling ─▶ Replaying ─(all said again)─▶ carried: bytes go both ways, nothing is held
//!         ▲__________|____________| turned away: the new primary is not open yet
//! ```
//!
//! The server is sealed by then; or all are settled and it is held, which does not end before the seal, so that it executes
//! nothing more for them. Whoever is not settled then is closed: what became of its last request is unknown.

mod greeting;
mod homing;

pub(super) use greeting::Greeting;
pub(in super::super) use homing::Step;

use super::super::bounds::HELD_PER_CLIENT;
use super::super::poller::{Event, Source};
use super::super::question::Question;
use super::super::wire::Wire;
use super::{Ended, Phase, Relay, Side};
use crate::gate::hall::Hall;
use bytes::{Bytes, BytesMut};
use holdfast_core::gate::Micros;
use holdfast_core::names::Epoch;
use holdfast_core::session::Replay;
use holdfast_resp::{Decoder, Encoder, Limits, Proto, Value};
use rustix::io::Errno;
use rustix::net::sockopt;

/// A request that may block is taken to be blocked when its server has said nothing for this long to what came behind it.
const QUIET: Micros = 2_000;

/// Somebody in the middle of a request or transaction who says nothing for this long is not waited for.
const HALF_SAID: Micros = 20_000;

/// A session that did not arrive after this long is closed.
const ARRIVE_WITHIN: Micros = 5_000_000;

/// Gates that a session may go through; beyond, it is closed instead of being carried on.
const HOPS_MAX: u8 = 8;

/// What it is answered where its sessions may go on.
pub(super) const WELCOME: &[u8] = b"+CARRIED\r\n";

/// What a server says to a blocked client when it is no primary any more.
const UNBLOCKED: &[u8] = b"-UNBLOCKED ";

/// What it says when the time of a blocked request is over.
const IN_VAIN: [&[u8]; 3] = [b"*-1\r\n", b"$-1\r\n", b"_\r\n"];

/// Where a session is on its way.
#[derive(Debug)]
pub(super) enum Passage {
    /// Its server was asked how far it has come; nothing came since this moment.
    Asked(Question, Micros),
    /// All that it asked for is answered; or it waits in a request that blocks, and the question behind it.
    Settled(Replay, Option<Blocked>),
    Waiting(Journey),
    Dialling(Journey),
    Replaying(Journey, Box<Replaying>),
}

/// A request that blocks, and what came for it since it was known to.
#[derive(Debug)]
pub(super) struct Blocked {
    question: Question,
    after: Vec<u8>,
}

/// What a session takes along.
#[derive(Debug)]
pub(super) struct Journey {
    replay: Replay,
    asks_again: bool,
    until: Micros,
}

/// What has come of the answers to what was said again.
#[derive(Debug)]
pub(super) struct Replaying {
    decoder: Decoder,
    buffer: BytesMut,
    welcome: bool,
    replies: usize,
    confirmations: usize,
    /// What the client gets when it has arrived.
    meanwhile: Vec<u8>,
}

/// What all passages share.
#[derive(Debug, Default)]
pub(in super::super) struct Crossing {
    /// The reign of the primary to go to.
    pub(in super::super) epoch: Epoch,
    /// Somebody arrived there.
    pub(in super::super) open: bool,
    /// Who has to try again.
    pub(in super::super) turned_away: Vec<usize>,
    /// It was told that the gate there cannot be trusted.
    pub(in super::super) told_trouble: bool,
}

impl Crossing {
    /// The other gate shows a certificate that is not ours, for example. Told once: it is tried again and again.
    fn tell_trouble(&mut self, server: &Wire) {
        if let Some(trouble) = server.trouble()
            && !std::mem::replace(&mut self.told_trouble, true)
        {
            tracing::warn!(
                "sessions cannot go on at the new primary's gate: TLS: {trouble}; its certificate must be signed by tls_ca_file"
            );
        }
    }
}

impl Relay {
    /// Its session goes on at another server.
    pub(in super::super) fn is_carried(&self) -> bool {
        self.carried || self.is_crossing()
    }

    pub(super) fn is_crossing(&self) -> bool {
        matches!(
            self.passage.as_deref(),
            Some(Passage::Waiting(_) | Passage::Dialling(_) | Passage::Replaying(..))
        )
    }

    /// Whether it waits to be dialled for.
    pub(in super::super) fn is_waiting(&self) -> bool {
        matches!(self.passage.as_deref(), Some(Passage::Waiting(_)))
    }

    /// Whether its client is not to be read now.
    pub(super) fn is_stopped(&self, hall: &Hall) -> bool {
        let between = self.passage.is_some() || self.session.is_at_rest();
        let paused = hall.paused && !self.is_replica() && !self.carried;
        (paused && between) || self.homing || self.is_crossing()
    }

    /// Whether the pause need not wait for it.
    pub(in super::super) fn is_settled(&self, hall: &Hall, paused_at: Micros) -> bool {
        if self.is_replica() || self.is_carried() || self.from_client.ended {
            return true;
        }
        match self.passage.as_deref() {
            Some(Passage::Settled(..)) => self.held == 0,
            Some(Passage::Asked(question, since)) => self.is_blocked(question, *since, hall.now),
            _ if self.session.spoiled().is_some() => true,
            _ => hall.now.saturating_sub(paused_at) > HALF_SAID,
        }
    }

    /// While the gate is paused: asks what has to be known, and sees whether it is.
    pub(in super::super) fn settle(
        &mut self,
        hall: &mut Hall,
        tokens: &mut Tokens,
    ) -> Result<(), Ended> {
        if self.is_replica() || self.carried || self.from_client.ended || self.to_server.len() > 0 {
            return Ok(());
        }
        match self.passage.as_deref() {
            None if self.session.is_at_rest() && self.session.spoiled().is_none() => {
                self.ask_server(hall, tokens)
            }
            Some(Passage::Asked(question, since)) => {
                if self.is_blocked(question, *since, hall.now) {
                    self.settle_blocked();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn ask_server(&mut self, hall: &mut Hall, tokens: &mut Tokens) -> Result<(), Ended> {
        if let Phase::Opening(begun) = &self.phase {
            if !begun.is_empty() {
                return Ok(());
            }
            self.phase = Phase::Client;
            self.hold(hall)?;
        }
        let question = Question::new(tokens.next());
        let bytes = question.bytes();
        self.passage = Some(Box::new(Passage::Asked(question, hall.now)));
        self.send_on(&bytes, hall)
    }

    /// Whether its last request seems to wait in the server, which says nothing. A server that has not even read it is as good:
    /// it is paused before it is sealed, and executes nothing that writes in between. If it says something after all, that is
    /// seen before it is sealed, or the connection is closed.
    fn is_blocked(&self, question: &Question, since: Micros, now: Micros) -> bool {
        self.session.waits() && question.is_unanswered() && now >= since + QUIET
    }

    fn settle_blocked(&mut self) {
        let replay = self.session.replay(None);
        let Some(replay) = replay.ok().filter(|_| self.session.may_block()) else {
            return;
        };
        if let Some(Passage::Asked(question, _)) = self.passage.take().map(|one| *one) {
            let after = Vec::new();
            let blocked = Some(Blocked { question, after });
            self.passage = Some(Box::new(Passage::Settled(replay, blocked)));
        }
    }

    /// Takes what the server sent while there is a question; returns as [`Relay::take_reply`] does.
    pub(super) fn take_answer(&mut self, hall: &mut Hall) -> Result<(usize, bool), Errno> {
        hall.scratch.clear();
        let (read, more) = self.server.recv(&mut hall.scratch)?;
        let mut out = Vec::new();
        match self.passage.as_deref_mut() {
            Some(Passage::Asked(question, since)) => {
                *since = hall.now;
                let taken = question.take(&hall.scratch, &mut out);
                taken.map_err(|_| Errno::PROTO)?;
            }
            Some(Passage::Settled(_, Some(blocked))) => {
                blocked.after.extend_from_slice(&hall.scratch);
                if read == 0
                    || blocked.after.starts_with(UNBLOCKED)
                    || UNBLOCKED.starts_with(&blocked.after)
                {
                    return Err(Errno::AGAIN);
                }
                self.answered_after_all(hall.now, &mut out)?;
            }
            _ => return Err(Errno::AGAIN),
        }
        self.to_client.push(&out);
        self.note_reply(out.len(), out.len(), hall);
        self.note_answer();
        Ok((read, more))
    }

    /// It was not blocked for good.
    fn answered_after_all(&mut self, now: Micros, out: &mut Vec<u8>) -> Result<(), Errno> {
        if let Some(Passage::Settled(
            _,
            Some(Blocked {
                mut question,
                after,
            }),
        )) = self.passage.take().map(|one| *one)
        {
            question.take(&after, out).map_err(|_| Errno::PROTO)?;
            self.passage = Some(Box::new(Passage::Asked(question, now)));
        }
        Ok(())
    }

    fn note_answer(&mut self) {
        let Some(Passage::Asked(question, _)) = self.passage.as_deref() else {
            return;
        };
        if !question.is_answered() {
            return;
        }
        match self.session.replay(question.seen()) {
            Ok(replay) => self.passage = Some(Box::new(Passage::Settled(replay, None))),
            Err(why) => {
                self.passage = None;
                tracing::debug!("a session is not carried over: {why}");
            }
        }
    }

    /// Whether replies are to be left in the socket for now.
    pub(super) fn leaves_replies(&self, hall: &Hall) -> bool {
        match self.passage.as_deref() {
            None | Some(Passage::Asked(..) | Passage::Settled(_, Some(_))) => false,
            Some(Passage::Settled(_, None)) => hall.paused || self.homing,
            Some(_) => true,
        }
    }

    /// The pause is over, and nobody goes anywhere.
    pub(super) fn stay(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        let settled = matches!(self.passage.as_deref(), Some(Passage::Settled(..)));
        if hall.paused || self.homing || !settled {
            return Ok(());
        }
        let mut out = Vec::new();
        self.answered_after_all(hall.now, &mut out)?;
        if !matches!(self.passage.as_deref(), Some(Passage::Asked(..))) {
            self.passage = None;
        }
        self.to_client.push(&out);
        self.note_reply(out.len(), out.len(), hall);
        Ok(())
    }

    /// Its server executes nothing more: it goes, if it is settled. Returns whether it is to be dialled for.
    pub(in super::super) fn depart(&mut self, hall: &mut Hall) -> Result<bool, Ended> {
        if self.is_carried() || self.is_replica() {
            return Ok(self.is_waiting());
        }
        let Some(Passage::Settled(replay, blocked)) = self.passage.take().map(|one| *one) else {
            return Err(Ended);
        };
        let asks_again = blocked.is_some();
        let mut after = blocked.map(|blocked| blocked.after).unwrap_or_default();
        self.read_rest(&mut after, hall);
        let listens = replay.listens();
        let line = after.starts_with(UNBLOCKED)
            && after.iter().position(|b| *b == b'\n') == Some(after.len() - 1);
        let unanswered = asks_again && (line || IN_VAIN.contains(&after.as_slice()));
        if self.held > 0 || self.hops >= HOPS_MAX || !(after.is_empty() || unanswered || listens) {
            return Err(Ended);
        }
        self.held_as = None;
        self.from_server = Side::default();
        let until = hall.now + ARRIVE_WITHIN;
        self.set_out(Journey {
            replay,
            asks_again,
            until,
        });
        Ok(true)
    }

    /// Somebody new, on the way to another server from the start.
    pub(in super::super) fn newcomer(&mut self, now: Micros, hall: &mut Hall) -> Result<(), Ended> {
        self.phase = Phase::Client;
        hall.poller.add(&self.client, Source::Client(self.slot))?;
        let (replay, until) = (Replay::default(), now + ARRIVE_WITHIN);
        self.leave_for(
            Journey {
                replay,
                asks_again: false,
                until,
            },
            hall,
        )
    }

    fn set_out(&mut self, journey: Journey) {
        self.passage = Some(Box::new(Passage::Waiting(journey)));
    }

    /// What is still in the old server's socket, one read of it: more than that is no farewell.
    fn read_rest(&mut self, after: &mut Vec<u8>, hall: &mut Hall) {
        hall.scratch.clear();
        if self.server.recv(&mut hall.scratch).is_ok() {
            after.extend_from_slice(&hall.scratch);
        }
    }

    /// This connection to the next server was begun.
    pub(in super::super) fn dialled(&mut self, server: Wire, hall: &mut Hall) -> Result<(), Ended> {
        let Some(Passage::Waiting(journey)) = self.passage.take().map(|one| *one) else {
            return Ok(());
        };
        self.server = server;
        self.leave_for(journey, hall)
    }

    fn leave_for(&mut self, journey: Journey, hall: &mut Hall) -> Result<(), Ended> {
        let source = Source::Server(self.slot);
        hall.poller.add(&self.server, source)?;
        self.from_server = Side {
            full: true,
            ..Side::default()
        };
        hall.poller.watch_room(&self.server, source, true)?;
        self.passage = Some(Box::new(Passage::Dialling(journey)));
        Ok(())
    }

    /// It is too late for it, wherever it is: a gate that took its connection and says nothing, for example.
    pub(super) fn arrives_too_late(&self, now: Micros) -> bool {
        match self.passage.as_deref() {
            Some(
                Passage::Waiting(journey)
                | Passage::Dialling(journey)
                | Passage::Replaying(journey, _),
            ) => now > journey.until,
            _ => false,
        }
    }

    /// News of the next server's socket.
    pub(super) fn on_crossing(&mut self, event: Event, hall: &mut Hall) -> Result<(), Ended> {
        match self.passage.take().map(|one| *one) {
            Some(Passage::Dialling(journey)) => {
                let failed =
                    sockopt::socket_error(&self.server).map_or(true, |error| error.is_err());
                if failed || event.ended {
                    self.turn_away(journey, hall);
                    return Ok(());
                }
                if !event.writable {
                    self.passage = Some(Box::new(Passage::Dialling(journey)));
                    return Ok(());
                }
                self.mind_server(false, hall)?;
                self.say_again(journey, hall)
            }
            Some(Passage::Replaying(journey, replaying)) => {
                if event.writable && self.from_server.full {
                    self.push_requests(hall)?;
                }
                self.hear_answers(journey, replaying, event.readable, hall)
            }
            other => {
                self.passage = other.map(Box::new);
                Ok(())
            }
        }
    }

    fn turn_away(&mut self, journey: Journey, hall: &mut Hall) {
        hall.crossing.turned_away.push(self.slot);
        hall.waiting -= self.to_server.len();
        self.to_server.clear();
        self.set_out(journey);
    }

    fn say_again(&mut self, journey: Journey, hall: &mut Hall) -> Result<(), Ended> {
        let greeting = Greeting {
            epoch: hall.crossing.epoch,
            hops: self.hops + 1,
            origin: self.client_itself(),
        };
        let mut bytes = greeting.line().into_bytes();
        bytes.extend_from_slice(&journey.replay.bytes);
        let replaying = Replaying {
            decoder: Decoder::new(Limits::REPLY),
            buffer: BytesMut::new(),
            welcome: false,
            replies: journey.replay.replies,
            confirmations: journey.replay.confirmations,
            meanwhile: journey.replay.notice.to_vec(),
        };
        self.passage = Some(Box::new(Passage::Replaying(journey, Box::new(replaying))));
        self.forward(&bytes, hall)
    }

    fn hear_answers(
        &mut self,
        journey: Journey,
        mut replaying: Box<Replaying>,
        readable: bool,
        hall: &mut Hall,
    ) -> Result<(), Ended> {
        let mut closed = false;
        while readable && !closed {
            hall.scratch.clear();
            match self.server.recv(&mut hall.scratch) {
                Ok((0, _)) | Err(Errno::CONNRESET) => closed = true,
                Err(Errno::PROTO) => {
                    hall.crossing.tell_trouble(&self.server);
                    closed = true;
                }
                Ok(_) if replaying.buffer.len() > HELD_PER_CLIENT => return Err(Ended),
                Ok(_) => replaying.buffer.extend_from_slice(&hall.scratch),
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
        match replaying.hear() {
            Ok(true) => return self.arrive(journey, *replaying, hall),
            Err(_) if replaying.welcome => return Err(Ended),
            // Not the primary's gate, or not yet: one whose server does not know the greeting.
            heard if closed || heard.is_err() => {
                if replaying.welcome {
                    return Err(Ended);
                }
                self.turn_away(journey, hall);
                return Ok(());
            }
            _ => {}
        }
        self.passage = Some(Box::new(Passage::Replaying(journey, replaying)));
        Ok(())
    }

    fn arrive(
        &mut self,
        journey: Journey,
        replaying: Replaying,
        hall: &mut Hall,
    ) -> Result<(), Ended> {
        self.carried = true;
        self.carried_to = hall.crossing.epoch;
        hall.crossing.open = true;
        let came = [&replaying.meanwhile[..], &replaying.buffer].concat();
        self.to_client.push(&came);
        hall.waiting += came.len();
        self.flush(hall)?;
        if let Some(again) = self
            .session
            .ask_again(hall.now)
            .filter(|_| journey.asks_again)
        {
            self.forward(&again, hall)?;
        }
        self.from_server.readable = true;
        self.take_requests(hall)?;
        self.take_replies(hall)
    }
}

impl Replaying {
    /// Whether all has been answered.
    fn hear(&mut self) -> Result<bool, Ended> {
        while !self.welcome || self.replies > 0 || self.confirmations > 0 {
            let value = self.decoder.decode(&mut self.buffer).map_err(|_| Ended)?;
            let Some(value) = value else { return Ok(false) };
            self.take(&value)?;
        }
        Ok(true)
    }

    fn take(&mut self, value: &Value) -> Result<(), Ended> {
        if value.error().is_some() {
            tracing::debug!("a session is not carried over: the next server refused it");
            return Err(Ended);
        }
        match value {
            Value::Simple(said) if !self.welcome => {
                self.welcome = *said == Bytes::from_static(b"CARRIED");
                if self.welcome { Ok(()) } else { Err(Ended) }
            }
            _ if !self.welcome => Err(Ended),
            // Of keys that nobody remembers any more after the notice.
            Value::Push(_) if self.replies > 0 => Ok(()),
            _ if self.replies > 0 => {
                self.replies -= 1;
                Ok(())
            }
            value if is_confirmation(value) => {
                self.confirmations -= 1;
                Ok(())
            }
            message => {
                let proto = if matches!(message, Value::Push(_)) {
                    Proto::Resp3
                } else {
                    Proto::Resp2
                };
                Encoder::new(&mut self.meanwhile, proto).value(message);
                Ok(())
            }
        }
    }
}

fn is_confirmation(value: &Value) -> bool {
    let (Value::Array(Some(items)) | Value::Push(items)) = value else {
        return false;
    };
    let kind = items.first().and_then(Value::as_str);
    matches!(kind, Some("subscribe" | "psubscribe" | "ssubscribe"))
}

/// Words that nobody else says.
#[derive(Default)]
pub(in super::super) struct Tokens {
    secret: [u8; 32],
    count: u64,
}

impl Tokens {
    /// Draws a secret from the kernel.
    pub(in super::super) fn new() -> std::io::Result<Self> {
        use std::io::Read;
        let mut secret = [0; 32];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut secret)?;
        Ok(Self { secret, count: 0 })
    }

    fn next(&mut self) -> String {
        use sha2::{Digest, Sha256};
        use std::fmt::Write;
        self.count += 1;
        let digest = Sha256::digest([&self.secret[..], &self.count.to_le_bytes()].concat());
        digest[..16]
            .iter()
            .fold("holdfast-".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
    }
}
