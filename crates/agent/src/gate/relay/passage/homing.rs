//! A carried session takes the shortest way: when the primary has changed again, the gate that has the client goes there itself.
//!
//! Its own connection is asked what every session is asked before it leaves, through all gates behind it. When that is answered nothing is under way.
//! A session in the middle of something goes on the longer way until its last reply has come.

use super::journey::ARRIVE_WITHIN;
use super::{Journey, Passage, Tokens};
use crate::gate::hall::Hall;
use crate::gate::relay::{Ended, Relay, Side};
use holdfast_core::names::Epoch;

/// How often in a row a session that is sent messages keeps its longer way. What it is sent between two connections is lost, so
/// it takes the shorter one only before it would go through too many gates.
const DETOURS_MAX: u8 = 4;

/// What came of one look at a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gate) enum Step {
    /// It is in the middle of something, or stays for good.
    Later,
    /// It is asked, and its client waits.
    Asked,
    /// It is to be dialled for.
    Leaves,
}

impl Relay {
    /// Whether its session goes through gates that are not needed any more.
    pub(in crate::gate) fn strays(&self, primary: Epoch) -> bool {
        self.carried && self.carried_to < primary && !self.is_crossing() && !self.is_leaving()
    }

    fn is_leaving(&self) -> bool {
        self.from_client.ended || self.from_server.ended || self.session.spoiled().is_some()
    }

    /// One look at a session that strays.
    pub(in crate::gate) fn go_home(
        &mut self,
        hall: &mut Hall,
        tokens: &mut Tokens,
    ) -> Result<Step, Ended> {
        match self.passage.take().map(|one| *one) {
            Some(Passage::Settled(replay, None))
                if replay.listens() && self.detours < DETOURS_MAX =>
            {
                self.detours += 1;
                Ok(self.stay_away(hall))
            }
            Some(Passage::Settled(replay, None)) => {
                (self.homing, self.from_server) = (false, Side::default());
                (self.wants_home, self.detours) = (false, 0);
                self.set_out(Journey {
                    replay,
                    asks_again: false,
                    until: hall.now + ARRIVE_WITHIN,
                });
                Ok(Step::Leaves)
            }
            Some(other) => {
                self.passage = Some(Box::new(other));
                Ok(Step::Asked)
            }
            // It was answered that it cannot be carried.
            None if self.homing => Ok(self.stay_away(hall)),
            None if self.may_be_asked() => {
                self.homing = true;
                self.ask_server(hall, tokens)?;
                Ok(Step::Asked)
            }
            None => {
                self.wants_home = true;
                Ok(Step::Later)
            }
        }
    }

    /// It keeps its way, until the primary changes again.
    fn stay_away(&mut self, hall: &Hall) -> Step {
        (self.homing, self.wants_home) = (false, false);
        self.contradiction = None;
        self.carried_to = hall.crossing.epoch;
        Step::Later
    }

    /// It was answered: if that was all, it may take a shorter way before it asks for something else.
    pub(in crate::gate::relay) fn note_rest(&self, hall: &mut Hall) {
        if self.wants_home && !self.homing && self.may_be_asked() && self.session.is_quiet() {
            hall.crossing.at_rest.push(self.slot);
        }
    }

    /// What may be answered late is not asked behind: nobody knows how long that takes.
    fn may_be_asked(&self) -> bool {
        let said = self.to_server.len() == 0 && self.pending.is_empty();
        said && self.session.is_at_rest() && !self.session.waits()
    }
}
