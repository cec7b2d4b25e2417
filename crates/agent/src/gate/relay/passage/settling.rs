//! While the gate is paused: is all that a session asked for answered?

use super::super::{Ended, Phase, Relay};
use super::{Blocked, FAREWELLS, Passage, Tokens};
use crate::gate::hall::Hall;
use crate::gate::question::Question;
use holdfast_core::gate::Micros;
use rustix::io::Errno;

/// A request that may block is taken to be blocked when its server has said nothing for this long to what came behind it.
const QUIET: Micros = 2_000;

/// Somebody in the middle of a request or transaction who says nothing for this long is not waited for.
const HALF_SAID: Micros = 20_000;

impl Relay {
    /// Whether the pause need not wait for it.
    pub(in super::super::super) fn is_settled(&self, hall: &Hall, paused_at: Micros) -> bool {
        if self.is_replica() || self.is_carried() || self.from_client.ended {
            return true;
        }
        match self.passage.as_deref() {
            Some(Passage::Settled(..)) => self.held == 0,
            _ if self.stays_behind() => true,
            Some(Passage::Asked(question, since)) => self.is_blocked(question, *since, hall.now),
            _ => hall.now.saturating_sub(paused_at) > HALF_SAID,
        }
    }

    /// Whether this session is already known not to be transferable: it is not asked again, and the handoff does not wait for it.
    fn stays_behind(&self) -> bool {
        self.session.spoiled().or(self.contradiction).is_some()
    }

    /// While the gate is paused: asks what has to be known, and sees whether it is.
    pub(in super::super::super) fn settle(
        &mut self,
        hall: &mut Hall,
        tokens: &mut Tokens,
    ) -> Result<(), Ended> {
        if self.is_replica() || self.carried || self.from_client.ended || self.to_server.len() > 0 {
            return Ok(());
        }
        match self.passage.as_deref() {
            None if self.session.is_at_rest() && !self.stays_behind() => {
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

    pub(super) fn ask_server(&mut self, hall: &mut Hall, tokens: &mut Tokens) -> Result<(), Ended> {
        if let Phase::Opening(handshake) = &self.phase {
            if handshake.waiting() > 0 {
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
    pub(in super::super) fn take_answer(
        &mut self,
        hall: &mut Hall,
    ) -> Result<(usize, bool), Errno> {
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
                let messages = self.session.messages(&blocked.after);
                out.extend(blocked.after.drain(..messages));
                if read > 0 && !may_be_farewell(&blocked.after) {
                    self.answered_after_all(hall.now, &mut out)?;
                } else if out.is_empty() {
                    return Err(Errno::AGAIN);
                }
            }
            _ => return Err(Errno::AGAIN),
        }
        self.hand_on(&out, hall);
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
                self.contradiction = Some(why);
            }
        }
    }

    /// Whether replies are to be left in the socket for now.
    pub(in super::super) fn leaves_replies(&self, hall: &Hall) -> bool {
        match self.passage.as_deref() {
            None | Some(Passage::Asked(..) | Passage::Settled(_, Some(_))) => false,
            Some(Passage::Settled(_, None)) => hall.paused || self.homing,
            Some(_) => true,
        }
    }

    /// The pause is over, and nobody goes anywhere.
    pub(in super::super) fn stay(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        if hall.paused || self.homing {
            return Ok(());
        }
        self.contradiction = None;
        if !matches!(self.passage.as_deref(), Some(Passage::Settled(..))) {
            return Ok(());
        }
        let mut out = Vec::new();
        self.answered_after_all(hall.now, &mut out)?;
        if !matches!(self.passage.as_deref(), Some(Passage::Asked(..))) {
            self.passage = None;
        }
        self.hand_on(&out, hall);
        Ok(())
    }

    /// What is the client's of all that came.
    fn hand_on(&mut self, out: &[u8], hall: &mut Hall) {
        self.session.hear(out, &mut hall.scripts);
        self.to_client.push(out);
        self.note_reply(out.len(), out.len(), hall);
    }
}

/// Whether these bytes are how a server begins to leave a blocked client.
fn may_be_farewell(bytes: &[u8]) -> bool {
    let mut words = FAREWELLS.iter();
    words.any(|word| bytes.starts_with(word) || word.starts_with(bytes))
}
