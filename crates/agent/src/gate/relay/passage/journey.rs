//! From the old server's seal to the next server: dialled, said again, and there.

use super::super::{Ended, Relay, Side};
use super::{FAREWELLS, Greeting, Journey, Passage, Replaying};
use crate::gate::bounds::HELD_PER_CLIENT;
use crate::gate::hall::Hall;
use crate::gate::poller::{Event, Source};
use crate::gate::wire::Wire;
use holdfast_core::gate::Micros;
use rustix::io::Errno;
use rustix::net::sockopt;

/// A session that did not arrive after this long is closed.
pub(super) const ARRIVE_WITHIN: Micros = 5_000_000;

/// Gates that a session may go through; beyond, it is closed instead of being carried on.
const HOPS_MAX: u8 = 8;

/// What it says when the time of a blocked request is over.
const IN_VAIN: [&[u8]; 3] = [b"*-1\r\n", b"$-1\r\n", b"_\r\n"];

impl Relay {
    /// Its server executes nothing more: it goes, if it is settled. Returns whether it is to be dialled for.
    pub(in super::super::super) fn depart(&mut self, hall: &mut Hall) -> Result<bool, Ended> {
        if self.is_carried() || self.is_replica() || self.visitor {
            return Ok(self.is_waiting());
        }
        let Some(Passage::Settled(replay, blocked)) = self.passage.take().map(|one| *one) else {
            let why = self.session.spoiled().or(self.contradiction);
            return Err(hall
                .crossing
                .close(why.unwrap_or("it was in the middle of something")));
        };
        let asks_again = blocked.is_some();
        let mut after = blocked.map(|blocked| blocked.after).unwrap_or_default();
        self.read_rest(&mut after, hall);
        let listens = replay.listens();
        // Messages may be missed.
        let rest = &after[self.session.messages(&after)..];
        let done = if asks_again {
            is_unanswered(rest)
        } else {
            listens || after.is_empty()
        };
        if self.hops >= HOPS_MAX {
            return Err(hall.crossing.close("it went through too many gates"));
        }
        if self.held > 0 || !done {
            return Err(hall.crossing.close("its last reply was under way"));
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

    pub(super) fn set_out(&mut self, journey: Journey) {
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
    pub(in super::super::super) fn dialled(
        &mut self,
        server: Wire,
        hall: &mut Hall,
    ) -> Result<(), Ended> {
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
    pub(in super::super) fn arrives_too_late(&self, now: Micros) -> bool {
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
    pub(in super::super) fn on_crossing(
        &mut self,
        event: Event,
        hall: &mut Hall,
    ) -> Result<(), Ended> {
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
        let prelude = hall.crossing.prelude.as_ref();
        bytes.extend(prelude.iter().flat_map(|prelude| &prelude.bytes));
        bytes.extend_from_slice(&journey.replay.bytes);
        let replaying = Replaying::of(prelude, &journey.replay);
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
            Err(ended) if replaying.welcome => {
                let refused = replaying.refused;
                return Err(refused.map_or(ended, |(what, said)| hall.crossing.refuse(what, &said)));
            }
            // Not the primary's gate, or not yet: one whose server does not know the greeting.
            heard if closed || heard.is_err() => {
                if replaying.welcome {
                    return Err(hall.crossing.close("the new primary's gate closed it"));
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
        hall.crossing.prelude = None;
        let came = [&replaying.meanwhile[..], &replaying.buffer].concat();
        self.session.hear(&came, &mut hall.scripts);
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

/// Whether these last bytes of a server leave a request that blocks unanswered.
fn is_unanswered(rest: &[u8]) -> bool {
    let line = rest.iter().position(|byte| *byte == b'\n') == rest.len().checked_sub(1);
    let farewell = FAREWELLS.iter().any(|word| rest.starts_with(word));
    rest.is_empty() || (farewell && line) || IN_VAIN.contains(&rest)
}
