//! TLS handshakes that take too long.

use super::Turns;
use crate::gate::bounds::HANDSHAKE;
use crate::gate::relay::Relay;
use holdfast_core::gate::Micros;
use std::time::Duration;

/// How often those who shake hands are looked at.
const LOOK: Micros = HANDSHAKE.as_micros() as Micros / 5;

/// When somebody has to be looked at; nobody, where all have shaken hands.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    next_look: Option<Micros>,
}

impl Handshakes {
    /// How long nobody has to be looked at.
    pub(super) fn patience(&self, now: Micros) -> Option<Duration> {
        let left = |next: Micros| Duration::from_micros(next.saturating_sub(now));
        self.next_look.map(left)
    }
}

impl Turns {
    /// This one has a connection that has just begun.
    pub(super) fn note_handshake(&mut self, slot: usize) {
        let relay = self.relays[slot].as_deref();
        if relay.is_some_and(Relay::is_shaking_hands) {
            let next = self.hall.now + LOOK;
            self.handshakes.next_look.get_or_insert(next);
        }
    }

    /// Ends those who have not shown in time who they are.
    pub(super) fn end_late_handshakes(&mut self) {
        if self
            .handshakes
            .next_look
            .is_none_or(|next| self.hall.now < next)
        {
            return;
        }
        self.end_all(Relay::is_late);
        let mut relays = self.relays.iter().flatten();
        let again = relays.any(|relay| relay.is_shaking_hands());
        self.handshakes.next_look = again.then(|| self.hall.now + LOOK);
    }
}
