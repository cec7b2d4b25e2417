//! What the shells round agents and sentinels have in common: they are started, given the time, asked
//! for what they want done, and listened to.

use super::World;
use super::channel::Purpose;
use super::event::Event;
use super::network::Place;
use crate::model::Micros;
use holdfast_core::decided::Decided;

impl World {
    /// Starts or brings back what lives at `place`, after a while.
    pub(super) fn boot_later(&mut self, place: Place, after: Micros) {
        let at = self.now + after;
        match place {
            Place::Node(node) => self.nodes[node].boot_at = Some(at),
            Place::Sentinel(sentinel) => self.sentinels[sentinel].boot_at = Some(at),
            Place::Client(_) => return,
        }
        self.queue.push(at, Event::Boot(place));
    }

    pub(super) fn on_boot(&mut self, place: Place) {
        match place {
            Place::Node(node) => self.boot_pod(node),
            Place::Sentinel(sentinel) => self.boot_sentinel(sentinel),
            Place::Client(_) => {}
        }
    }

    /// The clock of a process goes on: its next tick is due after `pace`, or up to `late` more.
    pub(super) fn tick_again(&mut self, tick: Event, pace: Micros, late: Micros) {
        let after = pace + self.rng.below(late);
        self.queue.push(self.now + after, tick);
    }

    /// I12, for what one step asks for.
    pub(super) fn bounded<O>(&mut self, what: &str, outputs: Vec<O>) -> Vec<O> {
        self.monitors
            .bounded(self.now, what, outputs.len(), &mut self.violations);
        outputs
    }

    /// A decision is told. Its code counts in the hash of the run, its sentence does not.
    pub(super) fn note_decision(&mut self, who: &str, decided: &Decided) {
        self.trace.mark_text(&decided.code);
        self.trace.line(self.now, || format!("{who}: {decided}"));
    }

    /// Dials for the first time.
    pub(super) fn dial(&mut self, from: Place, run: u64, to: Place, purpose: Purpose) {
        self.dial_after(500, from, run, to, purpose);
    }

    /// Dials again, a little later.
    pub(super) fn redial(&mut self, from: Place, run: u64, to: Place, purpose: Purpose) {
        let after = self.rng.between(20_000, 80_000);
        self.dial_after(after, from, run, to, purpose);
    }

    fn dial_after(&mut self, after: Micros, from: Place, run: u64, to: Place, purpose: Purpose) {
        let dial = Event::Dial {
            from,
            run,
            to,
            purpose,
        };
        self.queue.push(self.now + after, dial);
    }

    /// Agents and sentinels connect to a sentinel.
    pub(super) fn on_dial(&mut self, from: Place, run: u64, to: Place, purpose: Purpose) {
        let Place::Sentinel(target) = to else { return };
        let (alive, linked) = match from {
            Place::Node(node) => {
                let host = &self.nodes[node];
                (
                    host.agent.is_some() && host.run == run,
                    host.channels.contains_key(&target),
                )
            }
            Place::Sentinel(index) => {
                let host = &self.sentinels[index];
                (
                    host.core.is_some() && host.run == run,
                    host.peers.contains_key(&target),
                )
            }
            Place::Client(_) => (false, false),
        };
        if !alive || linked {
            return;
        }
        if self.sentinels[target].core.is_some() && self.network.connects(from, to) {
            let target_run = self.sentinels[target].run;
            self.open(purpose, (from, run), (to, target_run));
        } else {
            self.redial(from, run, to, purpose);
        }
    }
}
