//! One end of a connection with TLS: what it means in clear on this side, records on the other.

use super::super::bounds::HANDSHAKE;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, recv, send, sendmsg, shutdown,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use std::io::{self, BufRead, IoSlice, Write};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

/// Bytes of records that one read takes: one large record. What it means, with a record that had come before save for its end,
/// fits into a read of [`READ`](super::super::bounds::READ) bytes.
const RECORDS: usize = 16 << 10;

/// The socket and what is known of its peer. Holds in each direction no more than a record, or rustls' own limit of 64 KiB:
/// what is held back is held in clear, outside.
#[derive(Debug)]
pub(in crate::gate) struct Tls {
    socket: OwnedFd,
    connection: Connection,
    begun: Instant,
    /// The peer has said that it sends no more.
    closed: bool,
    /// The socket is to be shut when the last record is out.
    shuts: bool,
    /// Why it failed.
    trouble: Option<rustls::Error>,
}

impl Tls {
    pub(super) fn of_server(socket: OwnedFd, config: Arc<ServerConfig>) -> Result<Self, Errno> {
        let connection = ServerConnection::new(config).map_err(|_| Errno::PROTO)?;
        Ok(Self::new(socket, connection.into()))
    }

    pub(super) fn of_peer(socket: OwnedFd, config: Arc<ClientConfig>) -> Result<Self, Errno> {
        // Nobody is asked for by name: any certificate of ours will do.
        let name = ServerName::from(IpAddr::from(Ipv4Addr::UNSPECIFIED));
        let connection = ClientConnection::new(config, name).map_err(|_| Errno::PROTO)?;
        Ok(Self::new(socket, connection.into()))
    }

    fn new(socket: OwnedFd, connection: Connection) -> Self {
        Self {
            socket,
            connection,
            begun: Instant::now(),
            closed: false,
            shuts: false,
            trouble: None,
        }
    }

    /// As [`super::Wire::recv`]. [`Errno::PROTO`]: this is not the TLS, or not the peer, that was asked for.
    pub(super) fn recv(&mut self, into: &mut Vec<u8>) -> Result<(usize, bool), Errno> {
        let mut room = [MaybeUninit::uninit(); RECORDS];
        loop {
            if self.closed {
                return Ok((0, false));
            }
            let ((came, _), _) = recv(&self.socket, &mut room[..], RecvFlags::empty())?;
            if came.is_empty() {
                return Ok((0, false));
            }
            let whole = came.len() == RECORDS;
            self.take(came, into)?;
            // Records that mean nothing here: the socket says whether there are more, or that it has ended. rustls bounds them.
            if !into.is_empty() {
                return Ok((into.len(), whole || self.closed));
            }
        }
    }

    fn take(&mut self, mut came: &[u8], into: &mut Vec<u8>) -> Result<(), Errno> {
        while !came.is_empty() && !self.closed {
            self.connection
                .read_tls(&mut came)
                .map_err(|_| Errno::PROTO)?;
            match self.connection.process_new_packets() {
                Ok(state) => self.closed = state.peer_has_closed(),
                Err(error) => {
                    self.trouble = Some(error);
                    // It is told why, if there is room for that.
                    let _ = self.flush();
                    return Err(Errno::PROTO);
                }
            }
            let mut reader = self.connection.reader();
            while let Ok(bytes) = reader.fill_buf()
                && !bytes.is_empty()
            {
                into.extend_from_slice(bytes);
                let taken = bytes.len();
                reader.consume(taken);
            }
        }
        // A handshake's answer, for example.
        self.flush()
    }

    /// As [`super::Wire::send`]. What it took may still be here: see [`Tls::wants_room`].
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        self.flush()?;
        let mut taken = 0;
        while taken < bytes.len() && !self.wants_room() {
            let more = self.connection.writer().write(&bytes[taken..]);
            match more.map_err(|_| Errno::PROTO)? {
                0 => break,
                more => taken += more,
            }
            self.flush()?;
        }
        Ok(taken)
    }

    pub(super) fn flush(&mut self) -> Result<(), Errno> {
        while self.wants_room() {
            match self.connection.write_tls(&mut Records(&self.socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
            }
        }
        if !self.wants_room() && std::mem::take(&mut self.shuts) {
            shutdown(&self.socket, Shutdown::Write)?;
        }
        Ok(())
    }

    pub(super) fn wants_room(&self) -> bool {
        self.connection.wants_write()
    }

    /// As [`super::Wire::shut`].
    pub(super) fn shut(&mut self) -> Result<(), Errno> {
        self.connection.send_close_notify();
        self.shuts = true;
        self.flush()
    }

    pub(super) fn is_shaking_hands(&self) -> bool {
        self.connection.is_handshaking()
    }

    pub(super) fn is_late(&self) -> bool {
        self.is_shaking_hands() && self.begun.elapsed() > HANDSHAKE
    }

    pub(super) fn trouble(&self) -> Option<&rustls::Error> {
        self.trouble.as_ref()
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        // Some clients take a connection that ends without it for one that was cut by somebody else.
        let _ = self.shut();
    }
}

impl AsFd for Tls {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Where records go.
struct Records<'a>(&'a OwnedFd);

impl Write for Records<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut nothing = SendAncillaryBuffer::default();
        Ok(sendmsg(self.0, slices, &mut nothing, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
