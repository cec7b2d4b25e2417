//! Where clients and replicas come in.

use super::certificates::Certificates;
use super::dial::dial;
use super::wire::Wire;
use holdfast_core::names::Address;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with, sockopt};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

/// As redis-server's `tcp-keepalive`.
const KEEPALIVE: Duration = Duration::from_secs(300);

/// Why nobody can come in. It reads as one line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {listen}: {why}; stop what listens there or choose another port")]
pub struct DoorError {
    listen: String,
    why: String,
}

impl DoorError {
    pub(super) fn new(listen: &Address, why: &std::io::Error) -> Self {
        Self {
            listen: listen.to_string(),
            why: why.to_string(),
        }
    }
}

/// The listening socket, in clear or with TLS.
#[derive(Debug)]
pub(super) struct Doors {
    listener: TcpListener,
    certificates: Option<Certificates>,
}

impl Doors {
    pub(super) fn open(
        listen: &Address,
        certificates: Option<Certificates>,
    ) -> Result<Self, DoorError> {
        let host = match listen.host.as_str() {
            "*" => "::",
            host => host,
        };
        let listener = bind(host, listen.port).or_else(|error| match listen.host.as_str() {
            // A host without IPv6 still listens on IPv4.
            "*" | "::" => bind("0.0.0.0", listen.port),
            _ => Err(error),
        });
        let opened = listener.and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(Self {
                listener,
                certificates,
            })
        });
        opened.map_err(|error| DoorError::new(listen, &error))
    }

    pub(super) fn socket(&self) -> &TcpListener {
        &self.listener
    }

    /// The next one who waits outside, if any does.
    pub(super) fn accept(&self) -> Result<Wire, Errno> {
        let client = accept_with(&self.listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
        // Without these it is slower, or lives longer after its end: no reason to turn it away.
        let _ = sockopt::set_tcp_nodelay(&client, true);
        let _ = sockopt::set_socket_keepalive(&client, true);
        let _ = sockopt::set_tcp_keepidle(&client, KEEPALIVE);
        let _ = sockopt::set_tcp_keepintvl(&client, KEEPALIVE / 3);
        match &self.certificates {
            None => Ok(client.into()),
            Some(certificates) => Wire::of_server(client, certificates.server()),
        }
    }

    /// A connection that begins to another gate, which speaks as this one does.
    pub(super) fn dial(&self, place: SocketAddr) -> Result<Wire, Errno> {
        let socket = dial(place)?;
        match &self.certificates {
            None => Ok(socket.into()),
            Some(certificates) => Wire::of_peer(socket, certificates.peer()),
        }
    }
}

fn bind(host: &str, port: u16) -> std::io::Result<TcpListener> {
    let addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    TcpListener::bind(addresses.as_slice())
}
