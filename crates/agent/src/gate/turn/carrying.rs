//! A handoff at the gate: pause until everything is answered, then take the sessions to the new primary.

mod homing;

use super::{AGAIN, Standing, Turns};
use crate::gate::dial::Places;
use crate::gate::relay::{Ended, Relay};
use crate::server::USER;
use holdfast_core::gate::{Carry, GateOrder, Micros, News};
use holdfast_core::names::Address;
use std::net::SocketAddr;
use std::time::Duration;

pub(super) use homing::Homing;

/// How often a pause looks whether everything is answered, beside all news.
const LOOK: Duration = Duration::from_micros(500);

/// Where a handoff stands.
#[derive(Debug, Default)]
pub(super) struct Carrying {
    paused_at: Micros,
    /// The agent knows that nothing is under way any more.
    told: bool,
    /// The server has been sealed while the gate was paused.
    deposed: bool,
    places: Places,
    /// Relays to be dialled for.
    waiting: Vec<usize>,
    next_dial: Micros,
}

impl Carrying {
    /// Where the next primary's gate is, once that is known.
    pub(super) fn place(&self) -> Option<SocketAddr> {
        self.places.get().copied()
    }
}

impl Turns {
    /// Another order has come.
    pub(super) fn note_pause(&mut self, order: &GateOrder) {
        let pauses = *order == GateOrder::Pause;
        if pauses && !self.hall.paused {
            self.hall.now = self.now();
            (self.carrying.paused_at, self.carrying.told) = (self.hall.now, false);
            self.carrying.deposed = false;
        }
        self.hall.paused = pauses;
        if self.carrying.deposed && !pauses && !matches!(order, GateOrder::Carry(_)) {
            self.shut();
            self.carrying.deposed = false;
        }
    }

    /// Nobody is let in: there is nowhere to take them yet.
    pub(super) fn is_closed_for_now(&self) -> bool {
        let nowhere = self.standing == Standing::Carrying && self.carrying.places.is_empty();
        self.hall.paused || nowhere
    }

    /// The server is no primary. In a handoff that is what was to come, and those who are settled go on.
    pub(super) fn on_deposed(&mut self) {
        if self.hall.paused {
            self.hall.core.shut();
            self.links = [const { None }; super::LINKS_MAX];
            self.carrying.deposed = true;
        } else if self.standing != Standing::Carrying {
            tracing::warn!("the gate is shut: its server is no primary");
            self.shut();
        }
    }

    /// While paused: sees who is done, and tells when all are.
    pub(super) fn settle(&mut self) {
        if !self.hall.paused || self.behind.is_none() {
            return;
        }
        let mut tokens = std::mem::take(&mut self.tokens);
        for slot in 0..self.relays.len() {
            self.with(slot, |relay, hall| relay.settle(hall, &mut tokens));
        }
        self.tokens = tokens;
        let (hall, since) = (&self.hall, self.carrying.paused_at);
        let mut relays = self.relays.iter().flatten();
        if !self.carrying.told && relays.all(|relay| relay.is_settled(hall, since)) {
            self.carrying.told = true;
            self.untold.push(News::Drained);
        }
    }

    /// How long the loop may sleep.
    pub(super) fn carrying_patience(&self) -> Option<Duration> {
        if self.hall.paused && !self.carrying.told {
            return Some(LOOK);
        }
        let waits = !self.carrying.waiting.is_empty();
        let left = self.carrying.next_dial.saturating_sub(self.now());
        let dial = waits.then(|| Duration::from_micros(left.max(50)));
        let home = self.homing.patience(self.now());
        dial.into_iter().chain(home).min()
    }

    /// Another one is primary. The server is sealed; or nothing is under way in it, and it is held.
    pub(super) fn carry(&mut self, to: &Carry) {
        self.hall.core.shut();
        self.links = [const { None }; super::LINKS_MAX];
        self.standing = Standing::Carrying;
        (self.hall.open, self.hall.holding, self.hall.reign) = (false, false, None);
        self.hall.crossing.epoch = to.epoch;
        (self.hall.crossing.open, self.hall.crossing.told_trouble) = (false, false);
        self.carrying.places = Places::find(&to.to, self.bell.clone());
        self.pack_scripts();
        for slot in 0..self.relays.len() {
            let mut waits = false;
            self.with(slot, |relay, hall| {
                waits = relay.depart(hall)?;
                Ok(())
            });
            if waits {
                self.carrying.waiting.push(slot);
            }
        }
        self.carrying.waiting.sort_unstable();
        self.carrying.waiting.dedup();
        self.tell_departure(&to.to);
    }

    /// The first one to arrive takes the scripts of all along.
    pub(super) fn pack_scripts(&mut self) {
        let password = self.behind.as_ref().map(|behind| behind.login.password());
        let scripts = &self.hall.scripts;
        self.hall.crossing.prelude = password.and_then(|word| scripts.prelude(USER, word));
    }

    fn tell_departure(&mut self, to: &Address) {
        let closed = std::mem::take(&mut self.hall.crossing.closed);
        let reasons = closed.iter().map(|(why, count)| format!("{count}: {why}"));
        let reasons: Vec<String> = reasons.collect();
        let (going, closed) = (self.carrying.waiting.len(), closed.values().sum::<u64>());
        match (going, closed) {
            (0, 0) => {}
            (_, 0) => tracing::info!("{going} sessions go on at {to}"),
            _ => tracing::info!(
                "{going} sessions go on at {to}, {closed} cannot and are closed ({})",
                reasons.join("; ")
            ),
        }
    }

    /// Dials for those who wait: for one, until somebody has arrived, and then for all.
    pub(super) fn take_across(&mut self) {
        let turned_away = std::mem::take(&mut self.hall.crossing.turned_away);
        if !turned_away.is_empty() {
            self.hall.crossing.open = false;
            self.carrying.next_dial = self.now() + AGAIN;
            self.carrying.waiting.extend(turned_away);
        }
        let setting_out = std::mem::take(&mut self.hall.crossing.setting_out);
        self.carrying.waiting.extend(setting_out);
        if self.carrying.waiting.is_empty() || self.hall.now < self.carrying.next_dial {
            return;
        }
        let waiting = std::mem::take(&mut self.carrying.waiting);
        let most = if self.hall.crossing.open {
            waiting.len()
        } else {
            1
        };
        let mut dialled = 0;
        for slot in waiting {
            if !self.relays[slot].as_deref().is_some_and(Relay::is_waiting) {
                continue;
            }
            if dialled < most && self.dial_for(slot) {
                dialled += 1;
            } else {
                self.carrying.waiting.push(slot);
            }
        }
        // Until the first one is there, or was turned away, or is given up.
        self.carrying.next_dial = self.now() + AGAIN;
    }

    fn dial_for(&mut self, slot: usize) -> bool {
        let socket = self
            .carrying
            .place()
            .and_then(|place| self.doors.dial(place).ok());
        let mut dialled = false;
        let mut socket = socket;
        self.with(slot, |relay, hall| {
            if relay.is_overdue(hall.now) {
                return Err(Ended);
            }
            dialled = socket.is_some();
            socket
                .take()
                .map_or(Ok(()), |socket| relay.dialled(socket, hall))
        });
        self.note_deadline(slot);
        dialled
    }
}
