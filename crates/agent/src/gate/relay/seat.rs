//! What a relay is to those who ask who is connected.

use super::Relay;
use crate::gate::seat::{Seat, Served};
use rustix::fd::AsFd;
use rustix::net::getpeername;
use std::net::SocketAddr;

impl Relay {
    /// Its seat; none where the client has left already.
    pub(in super::super) fn seat(&self) -> Option<Seat> {
        let served = if self.is_carried() {
            peer(&self.server).map_or(Served::Nowhere, Served::At)
        } else {
            Served::Here(nix::sys::stat::fstat(&self.server).ok()?.st_ino)
        };
        Some(Seat {
            peer: peer(&self.client)?,
            origin: self.origin,
            tls: self.client.is_tls(),
            served,
        })
    }

    /// The client itself, as the next gate is told.
    pub(super) fn client_itself(&self) -> Option<SocketAddr> {
        self.origin.or_else(|| peer(&self.client))
    }
}

/// The other end of a TCP connection that is there. An IPv4 address is shown as one, whatever the door listens on.
fn peer(socket: impl AsFd) -> Option<SocketAddr> {
    let address = getpeername(socket).ok()??;
    let address = SocketAddr::try_from(address).ok()?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}
