//! Listening and accepting.

use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::ServeError;
use super::client::Client;
use super::connection::{Connection, Registered};
use super::shared::Shared;
use crate::Options;

/// Pause after a failed accept: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Seconds of silence after which the kernel asks whether a peer is still there.
const KEEPALIVE_IDLE_S: u32 = 60;
const REFUSAL: &[u8] = b"-ERR max number of clients reached\r\n";

/// One bound address.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    socket: TcpListener,
    secure: bool,
}

/// Binds all addresses of the options.
pub(super) fn listeners(options: &Options) -> Result<Vec<Listener>, ServeError> {
    let plain = options
        .listen
        .iter()
        .map(|address| bind(*address, options, false));
    let secure = options
        .listen_tls
        .iter()
        .map(|address| bind(*address, options, true));
    plain.chain(secure).collect()
}

fn bind(address: SocketAddr, options: &Options, secure: bool) -> Result<Listener, ServeError> {
    let listen = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        socket.set_reuseaddr(true)?;
        if address.is_ipv6() {
            // As redis-server: a listener on `::` leaves the IPv4 port to a listener of its own.
            setsockopt(&socket.as_fd(), sockopt::Ipv6V6Only, &true)?;
        }
        // Accepted connections inherit both.
        socket.set_keepalive(true)?;
        setsockopt(&socket.as_fd(), sockopt::TcpKeepIdle, &KEEPALIVE_IDLE_S)?;
        socket.bind(address)?;
        let socket = socket.listen(options.limits.backlog)?;
        Ok(Listener {
            address: socket.local_addr()?,
            socket,
            secure,
        })
    };
    listen().map_err(|error| ServeError::Listen(address, error))
}

impl Listener {
    /// Accepts for ever.
    pub(super) async fn run(self, shared: Arc<Shared>) {
        loop {
            match self.socket.accept().await {
                Ok((stream, address)) => self.admit(&shared, stream, address),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a client");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, shared: &Arc<Shared>, stream: TcpStream, address: SocketAddr) {
        let Some(client) = shared.admit(address, stream.local_addr().unwrap_or(self.address))
        else {
            return refuse(stream);
        };
        // Only a matter of speed.
        let _ = stream.set_nodelay(true);
        let task = self.start(
            Registered::new(Arc::clone(shared), Arc::clone(&client)),
            stream,
        );
        Client::runs_as(&client, task.abort_handle());
    }

    #[cfg(feature = "tls")]
    fn start(&self, registered: Registered, stream: TcpStream) -> tokio::task::JoinHandle<()> {
        match registered.acceptor() {
            _ if !self.secure => tokio::spawn(Connection::new(registered, stream)),
            Some(acceptor) => tokio::spawn(super::tls::serve(acceptor, registered, stream)),
            // Never in clear where TLS was asked for.
            None => tokio::spawn(async move { drop((registered, stream)) }),
        }
    }

    #[cfg(not(feature = "tls"))]
    fn start(&self, registered: Registered, stream: TcpStream) -> tokio::task::JoinHandle<()> {
        debug_assert!(!self.secure, "refused at the start");
        tokio::spawn(Connection::new(registered, stream))
    }
}

/// Tells one client too many, as far as a fresh socket takes it at once.
fn refuse(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(REFUSAL);
    }
}
