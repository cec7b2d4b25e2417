//! A connection as its bytes mean it: in clear, or with TLS.

mod tls;

use super::bounds::READ;
use rustix::buffer::spare_capacity;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, getpeername, recv, send, shutdown};
use rustls::{ClientConfig, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use tls::Tls;

/// One end of a connection that does not block.
#[derive(Debug)]
pub(super) enum Wire {
    Plain(OwnedFd),
    Tls(Box<Tls>),
}

impl Wire {
    /// The end of a server, for somebody who has just come.
    pub(super) fn of_server(socket: OwnedFd, config: Arc<ServerConfig>) -> Result<Self, Errno> {
        Ok(Self::Tls(Box::new(Tls::of_server(socket, config)?)))
    }

    /// The end of a gate that dials another one.
    pub(super) fn of_peer(socket: OwnedFd, config: Arc<ClientConfig>) -> Result<Self, Errno> {
        Ok(Self::Tls(Box::new(Tls::of_peer(socket, config)?)))
    }

    /// Reads into `into`, which is empty and has room for [`READ`] bytes. Returns how many it read, 0 at the end, and whether
    /// there may be more although the socket says nothing.
    pub(super) fn recv(&mut self, into: &mut Vec<u8>) -> Result<(usize, bool), Errno> {
        match self {
            Self::Plain(socket) => {
                let (read, _) = recv(socket, spare_capacity(into), RecvFlags::empty())?;
                Ok((read, read == READ))
            }
            Self::Tls(tls) => tls.recv(into),
        }
    }

    /// Sends of these bytes what it has room for, and returns how many that were.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        match self {
            Self::Plain(socket) => match send(socket, bytes, SendFlags::NOSIGNAL) {
                // A full socket took nothing.
                Err(Errno::AGAIN) => Ok(0),
                sent => sent,
            },
            Self::Tls(tls) => tls.send(bytes),
        }
    }

    /// A last word to somebody who is not let in, where that can be said before any handshake.
    pub(super) fn refuse(&mut self, word: &[u8]) {
        if let Self::Plain(_) = self {
            let _ = self.send(word);
        }
    }

    /// Sends what was taken before and is still here. See [`Wire::is_full`].
    pub(super) fn flush(&mut self) -> Result<(), Errno> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush(),
        }
    }

    /// Whether it has something to send by itself once the socket has room.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.wants_room())
    }

    /// Nothing more will be given to it. What it took before is still sent.
    pub(super) fn shut(&mut self) -> Result<(), Errno> {
        match self {
            Self::Plain(socket) => shutdown(socket, Shutdown::Write),
            Self::Tls(tls) => tls.shut(),
        }
    }

    /// Whether its bytes are encrypted.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether it does not know yet with whom it speaks.
    pub(super) fn is_shaking_hands(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.is_shaking_hands())
    }

    /// Whether it has not got to know that in time.
    pub(super) fn is_late(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.is_late())
    }

    /// The other end of a TCP connection that is there. An IPv4 address is shown as one, whatever the door listens on.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        let address = SocketAddr::try_from(getpeername(self).ok()??).ok()?;
        Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
    }

    /// Why the peer cannot be talked to, where it is that.
    pub(super) fn trouble(&self) -> Option<&rustls::Error> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => tls.trouble(),
        }
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(socket) => socket.as_fd(),
            Self::Tls(tls) => tls.as_fd(),
        }
    }
}

impl From<OwnedFd> for Wire {
    fn from(socket: OwnedFd) -> Self {
        Self::Plain(socket)
    }
}
