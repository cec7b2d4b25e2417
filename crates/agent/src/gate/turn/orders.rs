//! What the agent says: which server, and what to do.

use super::{Standing, Turns};
use crate::gate::relay::Relay;
use crate::gate::{Behind, Word};
use holdfast_core::gate::{GateOrder, LINKS_MAX};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Epoch;
use std::sync::mpsc::Receiver;

impl Turns {
    pub(super) fn hear(&mut self, heard: &Receiver<Word>) {
        while let Ok(word) = heard.try_recv() {
            match word {
                Word::Order(order) => self.obey(order),
                Word::Primary(home) => self.guide(&home),
                Word::Server(behind) => self.serve(behind),
                Word::Census(asker) => self.census.ask(asker),
                Word::End => self.over = true,
            }
        }
    }

    fn serve(&mut self, behind: Option<Behind>) {
        if self.behind == behind {
            return;
        }
        self.shut();
        self.end_all(|relay| !relay.is_carried());
        self.hall.door = behind.as_ref().map(|behind| behind.login.clone());
        self.behind = behind;
    }

    fn obey(&mut self, order: GateOrder) {
        tracing::debug!("gate: {order:?}");
        self.note_pause(&order);
        match order {
            GateOrder::Pause => {}
            GateOrder::Carry(carry) => self.carry(&carry),
            GateOrder::Shut => self.shut(),
            GateOrder::Stale => {
                if self.standing != Standing::Stale {
                    self.shut();
                    self.stand(Standing::Stale);
                }
            }
            GateOrder::Pass => {
                if self.standing == Standing::Stale {
                    self.shut();
                }
                self.hall.core.shut();
                self.links = [const { None }; LINKS_MAX];
                self.stand(Standing::Pass);
            }
            GateOrder::Hold(hold) => {
                let standing = Standing::Holding(hold.epoch);
                if ![standing, Standing::Pass, Standing::Shut].contains(&self.standing) {
                    self.shut();
                }
                self.hall.core.hold(hold);
                self.stand(standing);
            }
        }
        self.again.extend(0..self.relays.len());
    }

    pub(super) fn stand(&mut self, standing: Standing) {
        self.standing = standing;
        self.hall.open = standing != Standing::Shut;
        self.hall.holding = matches!(standing, Standing::Holding(_));
        // Planted bug: nobody looks at the lease.
        self.hall.leased = standing == Standing::Pass && self.mutant != Mutant::AgentIgnoresLease;
        self.hall.reign = match standing {
            Standing::Holding(epoch) => Some(epoch),
            Standing::Pass => Some(Epoch::MAX),
            Standing::Shut | Standing::Stale | Standing::Carrying => None,
        };
        for slot in 0..self.relays.len() {
            self.with(slot, Relay::hold);
        }
    }

    /// Drops what is held, and all clients with it. Replicas stay: whether they may follow is for the server to say.
    pub(super) fn shut(&mut self) {
        self.hall.core.shut();
        self.links = [const { None }; LINKS_MAX];
        self.standing = Standing::Shut;
        (self.hall.open, self.hall.holding, self.hall.reign) = (false, false, None);
        self.hall.leased = false;
        self.end_all(|relay| !relay.is_replica() && !relay.is_carried());
    }

    pub(super) fn end_all(&mut self, which: impl Fn(&Relay) -> bool) {
        for slot in 0..self.relays.len() {
            if self.relays[slot].as_deref().is_some_and(&which) {
                self.end(slot);
            }
        }
    }
}
