//! Telling who is connected: a few connections in each turn, so that nobody's replies wait for it.

use super::Turns;
use crate::gate::bounds::{CENSUSES_MAX, LOOKS_PER_TURN};
use crate::gate::seat::Seat;
use std::collections::VecDeque;
use tokio::sync::oneshot::Sender;

/// Those who ask, and what is known for the first of them.
#[derive(Debug, Default)]
pub(super) struct Census {
    asked: VecDeque<Sender<Vec<Seat>>>,
    seats: Vec<Seat>,
    /// The slot to look at next.
    next: usize,
}

impl Census {
    /// Somebody asks. One too many hears that there is no answer.
    pub(super) fn ask(&mut self, asker: Sender<Vec<Seat>>) {
        if self.asked.len() < CENSUSES_MAX {
            self.asked.push_back(asker);
        }
    }

    /// Whether there is more to look at.
    pub(super) fn goes_on(&self) -> bool {
        !self.asked.is_empty()
    }

    fn answer(&mut self) {
        self.next = 0;
        let seats = std::mem::take(&mut self.seats);
        if let Some(asker) = self.asked.pop_front() {
            // Whoever has given up waiting does not mind.
            let _ = asker.send(seats);
        }
    }
}

impl Turns {
    /// Looks at some of the relays, if somebody asked.
    pub(super) fn count_some(&mut self) {
        if !self.census.goes_on() {
            return;
        }
        let from = self.census.next.min(self.relays.len());
        let to = (from + LOOKS_PER_TURN).min(self.relays.len());
        let relays = self.relays[from..to].iter().flatten();
        self.census
            .seats
            .extend(relays.filter_map(|relay| relay.seat()));
        self.census.next = to;
        if to == self.relays.len() {
            self.census.answer();
        }
    }
}
