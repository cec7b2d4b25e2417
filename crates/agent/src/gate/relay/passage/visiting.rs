//! A client that comes to the address of the primary before, shortly after a handoff.
//!
//! This node answers what it is asked about itself: an exporter is told that it is a replica, and a client that checks whether
//! it has reached the primary learns that it has not. The first request of another kind takes the session to the next primary,
//! as a handoff takes those that were there before.

use super::super::{Ended, Phase, Relay, Side};
use super::Journey;
use super::journey::ARRIVE_WITHIN;
use crate::gate::hall::Hall;

impl Relay {
    /// It is a visitor. Whether it is a member is for the next primary's gate to ask.
    pub(in super::super::super) fn visits(&mut self) {
        self.visitor = true;
        self.phase = Phase::Client;
    }

    /// Whether it has asked for what this node is not there for.
    pub(super) fn is_about_to_leave(&self) -> bool {
        self.visitor && !self.pending.is_empty()
    }

    /// Sets out, once everything before is answered.
    pub(in super::super) fn visit_on(&mut self, hall: &mut Hall) -> Result<(), Ended> {
        if !self.is_about_to_leave() || !self.session.is_quiet() {
            return Ok(());
        }
        let replay = self.session.replay(None);
        let replay = replay.map_err(|why| hall.crossing.close(why))?;
        self.visitor = false;
        self.from_server = Side::default();
        self.set_out(Journey {
            replay,
            asks_again: false,
            until: hall.now + ARRIVE_WITHIN,
        });
        hall.crossing.setting_out.push(self.slot);
        Ok(())
    }
}
