//! From the client to the server.

use super::passage::{Greeting, WELCOME};
use super::{Ended, Phase, Relay};
use crate::gate::bounds::READS_PER_TURN;
use crate::gate::hall::Hall;
use crate::gate::poller::Source;
use holdfast_core::gate::{Refusal, Said};
use rustix::io::Errno;

impl Relay {
    pub(super) fn may_read_client(&self, hall: &Hall) -> bool {
        self.from_client.readable
            && self.to_server.len() == 0
            && !self.from_server.ended
            && !self.session.is_full()
            && !self.is_stopped(hall)
    }

    pub(super) fn take_requests(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        if !self.pending.is_empty() && !self.is_stopped(hall) && self.to_server.len() == 0 {
            let pending = std::mem::take(&mut self.pending);
            hall.waiting -= pending.len();
            self.request(&pending, hall)?;
        }
        for _ in 0..READS_PER_TURN {
            if !self.may_read_client(hall) {
                break;
            }
            if self.client.is_shaking_hands() && !hall.may_shake_hands() {
                break;
            }
            hall.scratch.clear();
            match self.client.recv(&mut hall.scratch) {
                Ok((0, _)) => {
                    self.from_client.readable = false;
                    self.from_client.ended = true;
                    // What it has asked for is still answered.
                    self.server.shut()?;
                    self.mind_server(self.waits_for_server(), hall)?;
                }
                Ok((_, more)) => {
                    self.from_client.readable = more || self.from_client.closing;
                    let bytes = std::mem::take(&mut hall.scratch);
                    let done = self.ask(&bytes, hall);
                    hall.scratch = bytes;
                    done?;
                }
                Err(Errno::AGAIN) => self.from_client.readable = false,
                Err(error) => {
                    hall.refusals.note(hall.now, &self.client);
                    return Err(error.into());
                }
            }
        }
        // A handshake answers by itself.
        if self.client.is_full() {
            self.mind_client(true, hall)?;
        }
        Ok(())
    }

    fn ask(&mut self, bytes: &[u8], hall: &mut Hall) -> Result<(), Ended> {
        match (&mut self.phase, &hall.door) {
            (Phase::Opening(handshake), Some(door)) => {
                let said = handshake.said(bytes, door);
                self.open(said, hall)
            }
            // A server that is gone takes its connections along.
            (Phase::Opening(_), None) => Err(Ended),
            (Phase::Client, _) => self.request(bytes, hall),
            (Phase::Replica(..), _) => self.acknowledge(bytes, hall),
        }
    }

    /// Bytes of a client. While the gate is paused only what was begun goes on; the rest waits for where it is to go.
    fn request(&mut self, bytes: &[u8], hall: &mut Hall) -> Result<(), Ended> {
        let end = if self.visitor {
            self.session.note_of_node(hall.now, bytes)
        } else if hall.paused && !self.carried {
            self.session.note_to_rest(hall.now, bytes)
        } else {
            self.session.note(hall.now, bytes);
            bytes.len()
        };
        if self.session.listens()
            && let Some(connection) = self.held_as
        {
            hall.core.listens(connection);
        }
        self.pending.extend_from_slice(&bytes[end..]);
        hall.waiting += bytes.len() - end;
        self.forward(&bytes[..end], hall)?;
        self.visit_on(hall)
    }

    fn open(&mut self, said: Said, hall: &mut Hall) -> Result<(), Ended> {
        match said {
            Said::Carried(said, end) => self.welcome(&said, end, hall),
            Said::Handshake(forward) => {
                if !self.is_replica() {
                    self.session.note(hall.now, &forward);
                }
                self.forward(&forward, hall)
            }
            Said::Client(_) if !hall.open => Err(Ended),
            Said::Client(said) => {
                self.phase = Phase::Client;
                self.hold(hall)?;
                self.request(&said, hall)
            }
            Said::Refused(why) => Err(self.send_away(&why, hall)),
        }
    }

    /// It is to be closed, and why.
    pub(super) fn send_away(&mut self, why: &Refusal, hall: &mut Hall) -> Ended {
        hall.turned_away.note(hall.now, &self.client, why);
        if let Some(reply) = why.reply() {
            let _ = self.client.send(reply);
        }
        Ended
    }

    /// A session that comes from another gate, to this reign or a later one.
    fn welcome(&mut self, said: &[u8], end: usize, hall: &mut Hall) -> Result<(), Ended> {
        let greeting = Greeting::read(&said[..end]).ok_or(Ended)?;
        if hall.reign.is_none_or(|reign| reign < greeting.epoch) {
            return Err(Ended);
        }
        self.client.send(WELCOME)?;
        (self.hops, self.origin) = (greeting.hops, greeting.origin);
        self.phase = Phase::Client;
        self.hold(hall)?;
        self.request(&said[end..], hall)
    }

    /// What a member says goes on to the server, and counts once the server's socket took it: so it was still connected to
    /// that very process.
    fn acknowledge(&mut self, bytes: &[u8], hall: &mut Hall) -> Result<(), Ended> {
        let Phase::Replica(follower, following) = &mut self.phase else {
            return Ok(());
        };
        let (acknowledged, following) = (follower.said(bytes), *following);
        let acknowledged = acknowledged.map_err(|why| self.send_away(&why, hall))?;
        self.forward(bytes, hall)?;
        if let Some(applied) = acknowledged
            && self.to_server.len() == 0
        {
            hall.core.acknowledged(hall.now, following, applied);
        }
        Ok(())
    }

    pub(super) fn forward(&mut self, bytes: &[u8], hall: &mut Hall) -> Result<(), Ended> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(connection) = self.held_as {
            hall.core.asked(hall.now, connection);
        }
        self.send_on(bytes, hall)
    }

    /// Sends to the server; what it has no room for waits.
    pub(super) fn send_on(&mut self, bytes: &[u8], hall: &mut Hall) -> Result<(), Ended> {
        let taken = self.server.send(bytes)?;
        if taken < bytes.len() {
            self.to_server.push(&bytes[taken..]);
            hall.waiting += bytes.len() - taken;
        }
        self.mind_server(self.waits_for_server(), hall)
    }

    /// Whether the server's socket has to have room before more can go on.
    fn waits_for_server(&self) -> bool {
        self.to_server.len() > 0 || self.server.is_full()
    }

    pub(super) fn push_requests(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        let most = self.to_server.len();
        let written = self
            .to_server
            .write(&mut self.server, most, &mut hall.spare)?;
        hall.waiting -= written;
        self.server.flush()?;
        self.mind_server(self.waits_for_server(), hall)
    }

    pub(super) fn mind_server(&mut self, full: bool, hall: &Hall) -> Result<(), Ended> {
        if std::mem::replace(&mut self.from_server.full, full) != full {
            let source = Source::Server(self.slot);
            hall.poller.watch_room(&self.server, source, full)?;
        }
        Ok(())
    }
}
