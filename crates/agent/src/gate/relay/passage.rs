//! How a session leaves its server and goes on at another one.
//!
//! ```text
//!  paused, at rest ─▶ Asked ─(answered; or blocked, and quiet)─▶ Settled ─(another rules)─▶ Waiting
//!      Waiting ─▶ Dialling ─▶ Replaying ─(all said again)─▶ carried: bytes go both ways, nothing is held
//!         ▲__________|____________| turned away: the new primary is not open yet
//! ```
//!
//! The server is sealed by then; or all are settled and it is held, which does not end before the seal, so that it executes
//! nothing more for them. Whoever is not settled then is closed: what became of its last request is unknown.

mod greeting;
mod homing;
mod journey;
mod replaying;
mod settling;
mod tokens;
mod visiting;

pub(super) use greeting::Greeting;
pub(in super::super) use homing::Step;
pub(in super::super) use tokens::Tokens;

use super::super::question::Question;
use super::super::wire::Wire;
use super::{Ended, Relay};
use crate::gate::hall::Hall;
use holdfast_core::gate::Micros;
use holdfast_core::names::Epoch;
use holdfast_core::session::Replay;
use replaying::Replaying;
use std::collections::BTreeMap;

/// What it is answered where its sessions may go on.
pub(super) const WELCOME: &[u8] = b"+CARRIED\r\n";

/// Characters of a refusal that the log shows.
const REFUSAL_SHOWN: usize = 120;

/// What a server says to a blocked client when it is no primary any more: the second to one that may be redirected.
const FAREWELLS: [&[u8]; 2] = [b"-UNBLOCKED ", b"-REDIRECT "];

/// Where a session is on its way.
#[derive(Debug)]
pub(super) enum Passage {
    /// Its server was asked how far it has come; nothing came since this moment.
    Asked(Question, Micros),
    /// All that it asked for is answered; or it waits in a request that blocks, and the question behind it.
    Settled(Replay, Option<Blocked>),
    Waiting(Journey),
    Dialling(Journey),
    Replaying(Journey, Box<Replaying>),
}

/// A request that blocks, and what came for it since it was known to.
#[derive(Debug)]
pub(super) struct Blocked {
    question: Question,
    after: Vec<u8>,
}

/// What a session takes along.
#[derive(Debug)]
pub(super) struct Journey {
    replay: Replay,
    asks_again: bool,
    until: Micros,
}

/// What all passages share.
#[derive(Debug, Default)]
pub(in super::super) struct Crossing {
    /// The reign of the primary to go to.
    pub(in super::super) epoch: Epoch,
    /// Somebody arrived there.
    pub(in super::super) open: bool,
    /// Who came to the old address and has set out.
    pub(in super::super) setting_out: Vec<usize>,
    /// Who has to try again.
    pub(in super::super) turned_away: Vec<usize>,
    /// It was told that the gate there cannot be trusted.
    pub(in super::super) told_trouble: bool,
    /// What the first one to arrive there says before its own session: scripts of all.
    pub(in super::super) prelude: Option<Replay>,
    /// Who has come to rest and may take a shorter way.
    pub(in super::super) at_rest: Vec<usize>,
    /// Sessions that were closed, by the reason.
    pub(in super::super) closed: BTreeMap<&'static str, u64>,
}

impl Crossing {
    /// A session is closed, for this reason.
    pub(in super::super) fn close(&mut self, why: &'static str) -> Ended {
        *self.closed.entry(why).or_default() += 1;
        Ended
    }

    /// The next server refused this request, without which a session would not be what it was.
    fn refuse(&mut self, what: &'static str, said: &str) -> Ended {
        if !self.closed.contains_key(what) {
            let said: String = said.chars().take(REFUSAL_SHOWN).collect();
            tracing::warn!(
                "sessions cannot go on at the new primary and are closed: it refuses {what}: {said}"
            );
        }
        self.close(what)
    }

    /// The other gate shows a certificate that is not ours, for example. Told once: it is tried again and again.
    fn tell_trouble(&mut self, server: &Wire) {
        if let Some(trouble) = server.trouble()
            && !std::mem::replace(&mut self.told_trouble, true)
        {
            tracing::warn!(
                "sessions cannot go on at the new primary's gate: TLS: {trouble}; its certificate must be signed by tls_ca_file"
            );
        }
    }
}

impl Relay {
    /// Its session goes on at another server.
    pub(in super::super) fn is_carried(&self) -> bool {
        self.carried || self.is_crossing()
    }

    pub(super) fn is_crossing(&self) -> bool {
        matches!(
            self.passage.as_deref(),
            Some(Passage::Waiting(_) | Passage::Dialling(_) | Passage::Replaying(..))
        )
    }

    /// Whether it waits to be dialled for.
    pub(in super::super) fn is_waiting(&self) -> bool {
        matches!(self.passage.as_deref(), Some(Passage::Waiting(_)))
    }

    /// Whether its client is not to be read now.
    pub(super) fn is_stopped(&self, hall: &Hall) -> bool {
        let between = self.passage.is_some() || self.session.is_at_rest();
        let paused = hall.paused && !self.is_replica() && !self.carried;
        (paused && between) || self.homing || self.is_crossing() || self.is_about_to_leave()
    }
}
