//! What all relays share.

use super::bounds::HANDSHAKES_PER_TURN;
use super::gulps::Gulps;
use super::lease::Lease;
use super::poller::Poller;
use super::refusals::Refusals;
use super::relay::Crossing;
use super::spare::Spare;
use super::turned_away::TurnedAway;
use crate::server::Login;
use holdfast_core::gate::{Connection, Gate, Micros};
use holdfast_core::names::Epoch;
use holdfast_core::session::Scripts;
use std::sync::Arc;

/// What all relays share.
#[derive(Debug)]
pub(super) struct Hall {
    pub(super) core: Gate,
    pub(super) poller: Poller,
    /// What was just read.
    pub(super) scratch: Vec<u8>,
    /// What large replies are read into.
    pub(super) spare: Spare,
    pub(super) now: Micros,
    /// What the core released last.
    pub(super) released: Vec<(Connection, u64)>,
    /// Bytes that wait in all relays.
    pub(super) waiting: usize,
    /// Replies of clients are held.
    pub(super) holding: bool,
    /// Clients are served at all.
    pub(super) open: bool,
    /// Nothing of clients goes to the server.
    pub(super) paused: bool,
    /// Until when replies may be passed on without a rule, and whether they are.
    pub(super) lease: Arc<Lease>,
    pub(super) leased: bool,
    /// The reign that clients are served in.
    pub(super) reign: Option<Epoch>,
    /// Scripts that clients have loaded.
    pub(super) scripts: Scripts,
    /// Sessions on their way to another server.
    pub(super) crossing: Crossing,
    /// Streams to replicas that nobody waits for.
    pub(super) gulps: Gulps,
    /// Clients with whom TLS did not come about.
    pub(super) refusals: Refusals,
    /// Who may say that it is a member of the group.
    pub(super) door: Option<Login>,
    /// Connections that asked for the stream, or had it, and were closed.
    pub(super) turned_away: TurnedAway,
    /// Steps of handshakes in this turn.
    pub(super) handshakes: usize,
}

impl Hall {
    /// Whether the time is over in which this gate may pass replies on: it is as good as shut, whoever is to say so.
    pub(super) fn is_over(&self) -> bool {
        self.leased && self.lease.is_over()
    }

    /// Whether there is time in this turn for a step of a handshake.
    pub(super) fn may_shake_hands(&mut self) -> bool {
        self.handshakes += 1;
        self.handshakes <= HANDSHAKES_PER_TURN
    }
}
