//! How the clients' side of a sentinel is configured.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Options of [`crate::serve`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses to listen on; port 0 picks a free one.
    pub listen: Vec<SocketAddr>,
    /// Addresses to listen on with TLS. Needs [`Options::tls`].
    pub listen_tls: Vec<SocketAddr>,
    /// Certificates for `listen_tls`.
    pub tls: Option<TlsOptions>,
    /// Password of the user `default`.
    pub requirepass: Option<String>,
    /// ACL users: `user <name> <rule> …` as in redis.conf; a line for `default` wins over `requirepass`.
    pub users: Vec<String>,
    /// What one client and all of them may use.
    pub limits: ClientLimits,
    /// Are administrative commands taken without a password from other machines, too?
    pub open_administration: bool,
    /// Identity of this process in `INFO` (`run_id`): 40 hex characters.
    pub run_id: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([0, 0, 0, 0], 26379))],
            listen_tls: Vec::new(),
            tls: None,
            requirepass: None,
            users: Vec::new(),
            limits: ClientLimits::default(),
            open_administration: false,
            run_id: "0".repeat(40),
        }
    }
}

/// Files for TLS, in PEM.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// Certificate chain of the server, leaf first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Where given, clients must show a certificate that one of these authorities signed.
    pub client_authorities: Option<PathBuf>,
}

/// What clients may use. At a limit the client that went over it is answered with an error where possible, and cut off.
#[derive(Debug, Clone, Copy)]
pub struct ClientLimits {
    /// Connections at the same time; one more is told `ERR max number of clients reached`.
    pub max_clients: usize,
    /// Bytes of one request (the query buffer).
    pub request_bytes: usize,
    /// Bytes of replies and events that wait for a slow reader before it is dropped.
    pub output_bytes: usize,
    /// A client that takes none of its waiting output for this long is dropped.
    pub stall: Duration,
    /// A client that has not said the whole of a request this long after its first byte is dropped.
    pub request: Duration,
    /// A client that sends nothing for this long is dropped, unless it listens to events. `None`: never.
    pub idle: Option<Duration>,
    /// How long an action (a failover, for example) may take before the client is told that there was no answer.
    pub action: Duration,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Connections that may wait to be accepted.
    pub backlog: u32,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            max_clients: 10_032,
            request_bytes: 256 * 1024,
            output_bytes: 1024 * 1024,
            stall: Duration::from_secs(10),
            request: Duration::from_secs(10),
            idle: None,
            action: Duration::from_secs(60),
            handshake: Duration::from_secs(5),
            backlog: 1024,
        }
    }
}
