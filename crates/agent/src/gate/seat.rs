//! Who is connected to the gate, for whoever asks.

use std::net::SocketAddr;

/// One connection of a client or replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The other end of its socket: the client itself, or a gate that brought its session.
    pub peer: SocketAddr,
    /// The client itself, where another gate brought the session and told. Whoever can reach the gate can claim to be one.
    pub origin: Option<SocketAddr>,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Where its requests go.
    pub served: Served,
}

/// Where the requests of a connection go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// To the server behind this gate, by a Unix socket whose end here has this inode.
    Here(u64),
    /// To the gate at this address: the session was carried over.
    At(SocketAddr),
    /// Nowhere yet: the session is on its way.
    Nowhere,
}
