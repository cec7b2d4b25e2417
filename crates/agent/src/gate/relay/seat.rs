//! What a relay is to those who ask who is connected.

use super::Relay;
use crate::gate::seat::{Seat, Served};
use std::net::SocketAddr;

impl Relay {
    /// Its seat; none where the client has left already.
    pub(in super::super) fn seat(&self) -> Option<Seat> {
        let served = if self.is_carried() {
            self.server.peer().map_or(Served::Nowhere, Served::At)
        } else {
            Served::Here(nix::sys::stat::fstat(&self.server).ok()?.st_ino)
        };
        Some(Seat {
            peer: self.client.peer()?,
            origin: self.origin,
            tls: self.client.is_tls(),
            served,
        })
    }

    /// The client itself, as the next gate is told.
    pub(super) fn client_itself(&self) -> Option<SocketAddr> {
        self.origin.or_else(|| self.client.peer())
    }
}
