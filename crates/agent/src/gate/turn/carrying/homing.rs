//! Sessions that were carried, and then the primary changed again: they leave the gates that are not needed.

use super::{LOOK, Turns};
use crate::gate::dial::Places;
use crate::gate::relay::{Relay, Step};
use holdfast_core::gate::{Carry, Micros};
use holdfast_core::names::Epoch;
use std::time::Duration;

/// How often those are looked at again that were in the middle of something.
const LOOK_AGAIN: Micros = 100_000;

/// Who is on a longer way than necessary.
#[derive(Debug, Default)]
pub(in crate::gate) struct Homing {
    primary: Epoch,
    strays: Vec<usize>,
    /// Their clients wait: looked at every turn.
    asked: Vec<usize>,
    next_look: Micros,
}

impl Homing {
    /// How long nobody has to be looked at.
    pub(super) fn patience(&self, now: Micros) -> Option<Duration> {
        let later = Duration::from_micros(self.next_look.saturating_sub(now));
        let later = (!self.strays.is_empty()).then_some(later);
        let soon = (!self.asked.is_empty()).then_some(LOOK);
        soon.or(later)
    }
}

impl Turns {
    /// This one is primary now, and serves.
    pub(in crate::gate) fn guide(&mut self, home: &Carry) {
        if home.epoch <= self.homing.primary {
            return;
        }
        self.homing.primary = home.epoch;
        self.hall.crossing.epoch = home.epoch;
        self.carrying.places = Places::find(&home.to, self.bell.clone());
        self.pack_scripts();
        self.homing.strays = (0..self.relays.len()).collect();
        self.homing.next_look = 0;
    }

    /// Looks at those who stray.
    pub(in crate::gate) fn send_home(&mut self) {
        let mut looked_at = std::mem::take(&mut self.homing.asked);
        looked_at.append(&mut self.hall.crossing.at_rest);
        if self.hall.now >= self.homing.next_look {
            looked_at.append(&mut self.homing.strays);
            self.homing.next_look = self.hall.now + LOOK_AGAIN;
        }
        looked_at.sort_unstable();
        looked_at.dedup();
        let mut tokens = std::mem::take(&mut self.tokens);
        for slot in looked_at {
            let relay = self.relays.get(slot).and_then(Option::as_deref);
            if !relay.is_some_and(|relay| Relay::strays(relay, self.homing.primary)) {
                continue;
            }
            let mut step = None;
            self.with(slot, |relay, hall| {
                step = Some(relay.go_home(hall, &mut tokens)?);
                Ok(())
            });
            match step {
                Some(Step::Later) => self.homing.strays.push(slot),
                Some(Step::Asked) => self.homing.asked.push(slot),
                Some(Step::Leaves) => self.carrying.waiting.push(slot),
                None => {}
            }
        }
        self.tokens = tokens;
    }
}
