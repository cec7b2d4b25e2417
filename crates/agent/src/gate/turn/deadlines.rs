//! What must be over in time: a TLS handshake, and the way of a session to another gate.

use super::Turns;
use crate::gate::relay::Relay;
use holdfast_core::gate::Micros;
use std::time::Duration;

/// How often those who are in a hurry are looked at: a fifth of the time that they have.
const LOOK: Micros = 1_000_000;

/// When somebody has to be looked at; nobody, where none is in a hurry.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    next_look: Option<Micros>,
}

impl Deadlines {
    /// How long nobody has to be looked at.
    pub(super) fn patience(&self, now: Micros) -> Option<Duration> {
        let left = |next: Micros| Duration::from_micros(next.saturating_sub(now));
        self.next_look.map(left)
    }
}

impl Turns {
    /// This one has a connection that has just begun.
    pub(super) fn note_deadline(&mut self, slot: usize) {
        let relay = self.relays[slot].as_deref();
        if relay.is_some_and(Relay::has_deadline) {
            let next = self.hall.now + LOOK;
            self.deadlines.next_look.get_or_insert(next);
        }
    }

    /// Ends those who have not shown in time who they are, or have not arrived.
    pub(super) fn end_overdue(&mut self) {
        let now = self.hall.now;
        if self.deadlines.next_look.is_none_or(|next| now < next) {
            return;
        }
        self.end_all(|relay| relay.is_overdue(now));
        let again = self.relays.iter().flatten().any(|one| one.has_deadline());
        self.deadlines.next_look = again.then_some(now + LOOK);
    }
}
