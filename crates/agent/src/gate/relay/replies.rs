//! From the server to the client, held or not.

use super::{Ended, Phase, Relay};
use crate::gate::bounds::{HELD_ALWAYS, HELD_PER_CLIENT, HELD_TOTAL, READS_PER_TURN};
use crate::gate::hall::Hall;
use crate::gate::poller::Source;
use crate::gate::wire::Wire;
use holdfast_core::gate::Answered;
use rustix::io::Errno;

impl Relay {
    /// Its gulp is due.
    pub(in crate::gate) fn gulp(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        self.put_off = false;
        self.take_replies(hall)
    }

    /// Leaves the stream of a replica that nobody waits for to the next gulp.
    pub(super) fn puts_off(&mut self, hall: &mut Hall) -> bool {
        let spared = !hall.paused
            && !self.flows
            && !self.from_server.closing
            && self
                .following()
                .is_some_and(|following| hall.core.can_spare(following));
        if spared && !self.put_off {
            hall.gulps.put_off(self.slot, hall.now);
        }
        self.put_off = spared;
        spared
    }

    /// The core released everything up to this many bytes since it knows this connection.
    pub(in crate::gate) fn release(&mut self, up_to: u64, hall: &mut Hall) -> Result<(), Ended> {
        self.held = self.held.min(self.total.saturating_sub(up_to) as usize);
        self.flush(hall)
    }

    pub(super) fn may_read_server(&self, hall: &Hall) -> bool {
        let own = self.to_client.len();
        let room = own < HELD_ALWAYS || (own < HELD_PER_CLIENT && hall.waiting < HELD_TOTAL);
        self.from_server.readable && room && !self.put_off && !self.leaves_replies(hall)
    }

    pub(super) fn take_replies(&mut self, hall: &mut Hall) -> Result<(), Ended> {
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
        self.note_rest(hall);
        self.visit_on(hall)?;
        self.end_if_done()
    }

    /// One read. Returns how much it was and whether there may be more.
    fn take_reply(&mut self, large: bool, hall: &mut Hall) -> Result<(usize, bool), Errno> {
        if self.passage.is_some() {
            return self.take_answer(hall);
        }
        if large
            && self.is_counted()
            && let Wire::Plain(server) = &self.server
        {
            let (read, more) = self.to_client.read(server, &mut hall.spare, hall.now)?;
            match &mut self.phase {
                Phase::Replica(follower, _) => follower.sent_more(read as u64),
                _ => self
                    .session
                    .hear(self.to_client.newest(read), &mut hall.scripts),
            }
            self.note_reply(read, read, hall);
            return Ok((read, more));
        }
        hall.scratch.clear();
        let (read, more) = self.server.recv(&mut hall.scratch)?;
        if !self.is_replica() {
            self.session.hear(&hall.scratch, &mut hall.scripts);
        }
        let mut taken = 0;
        if self.held_as.is_none() && read > 0 {
            if self.comes_too_late(hall) {
                return Err(Errno::CONNABORTED);
            }
            self.judge_answer(hall)?;
            if self.to_client.len() == 0 {
                taken = self.client.send(&hall.scratch)?;
            }
        }
        self.to_client.push(&hall.scratch[taken..]);
        self.note_reply(read, read - taken, hall);
        Ok((read, more))
    }

    pub(super) fn note_reply(&mut self, read: usize, kept: usize, hall: &mut Hall) {
        hall.waiting += kept;
        if let Some(connection) = self.held_as
            && read > 0
        {
            self.total += read as u64;
            self.held += read;
            hall.core.held(connection, read as u64);
        }
    }

    /// Whether the server's bytes need not be looked at.
    fn is_counted(&self) -> bool {
        match &self.phase {
            Phase::Opening(_) => false,
            Phase::Client => true,
            Phase::Replica(follower, _) => follower.is_counted(),
        }
    }

    /// Answers of a handshake, and the stream. A refusal is passed on, and nothing behind it: whoever was refused is no
    /// member, and its other replies were not held.
    fn judge_answer(&mut self, hall: &mut Hall) -> Result<(), Errno> {
        let answered = match &mut self.phase {
            Phase::Opening(handshake) => handshake.answered(&hall.scratch),
            Phase::Client => Answered::Waits,
            Phase::Replica(follower, _) => {
                follower.sent(&hall.scratch);
                Answered::Waits
            }
        };
        match answered {
            Answered::Waits => Ok(()),
            Answered::Follows(follower) => {
                let following = hall.core.follow(&follower);
                self.phase = Phase::Replica(follower, following);
                Ok(())
            }
            Answered::Refused(why) => {
                let _ = self.client.send(&hall.scratch);
                self.send_away(&why, hall);
                Err(Errno::CONNABORTED)
            }
        }
    }

    pub(super) fn flush(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        let most = self.to_client.len() - self.held;
        let mut written = 0;
        if most > 0 || self.client.is_full() {
            if self.comes_too_late(hall) {
                return Err(Ended);
            }
            self.client.flush()?;
            written = self
                .to_client
                .write(&mut self.client, most, &mut hall.spare)?;
            hall.waiting -= written;
        }
        self.mind_client(written < most || self.client.is_full(), hall)?;
        self.end_if_done()
    }

    fn end_if_done(&self) -> Result<(), Ended> {
        let gone = self.to_client.len() == 0 && !self.client.is_full();
        if self.from_server.ended && gone {
            Err(Ended)
        } else {
            Ok(())
        }
    }

    pub(super) fn mind_client(&mut self, full: bool, hall: &Hall) -> Result<(), Ended> {
        if std::mem::replace(&mut self.from_client.full, full) != full {
            let source = Source::Client(self.slot);
            hall.poller.watch_room(&self.client, source, full)?;
        }
        Ok(())
    }
}
