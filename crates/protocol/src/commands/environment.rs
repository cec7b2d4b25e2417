//! What the commands may look at besides the session.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::{Acl, Ms, View};

/// Everything that a command may look at.
pub struct Environment<'a> {
    /// What the sentinel knows.
    pub view: &'a View,
    /// The time, on the clock of the view's stamps.
    pub now: Ms,
    /// The users.
    pub acl: &'a ArcSwap<Acl>,
    /// The other connections, and the process.
    pub clients: &'a dyn ClientTable,
}

/// The connections of the server.
pub trait ClientTable {
    /// The process and its counters.
    fn facts(&self) -> Facts;
    /// All connections, by number.
    fn clients(&self) -> Vec<ClientLine>;
    /// Cuts a connection off. Not to be used for the one that asks.
    fn kill(&self, id: u64);
}

/// Facts of the process for `INFO` and `HELLO`.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Identity of this run of the process.
    pub run_id: Arc<str>,
    /// Process id.
    pub process_id: u32,
    /// The port that clients use; the first one.
    pub tcp_port: u16,
    /// Microseconds since 1970.
    pub unix_us: u64,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// Limit of connections.
    pub max_clients: usize,
    /// Connections now.
    pub connected: usize,
    /// Connections ever accepted.
    pub accepted: u64,
    /// Connections refused at the limit.
    pub rejected: u64,
    /// Commands ever handled.
    pub commands: u64,
    /// Error replies ever sent.
    pub errors: u64,
    /// Bytes ever received.
    pub bytes_in: u64,
    /// Bytes ever sent.
    pub bytes_out: u64,
    /// Clients dropped because they did not read.
    pub slow_readers_dropped: u64,
    /// Subscribed clients.
    pub subscribers: usize,
    /// CPU seconds of the process in the kernel.
    pub cpu_system_s: f64,
    /// CPU seconds of the process outside it.
    pub cpu_user_s: f64,
}

/// One connection as `CLIENT LIST` shows it.
#[derive(Debug, Clone)]
pub struct ClientLine {
    /// Its number.
    pub id: u64,
    /// The client's end.
    pub address: SocketAddr,
    /// Our end.
    pub local_address: SocketAddr,
    /// Name that it gave itself.
    pub name: Box<str>,
    /// Who it acts as; `(superuser)` never, empty before it has authenticated.
    pub user: Arc<str>,
    /// Seconds since it connected.
    pub age_s: u64,
    /// Seconds since its last request.
    pub idle_s: u64,
    /// Channels that it listens to.
    pub channels: usize,
    /// Patterns that it listens to.
    pub patterns: usize,
    /// Version of the protocol: 2 or 3.
    pub resp: u8,
    /// Its last command.
    pub command: String,
    /// `CLIENT SETINFO lib-name`.
    pub library_name: Box<str>,
    /// `CLIENT SETINFO lib-ver`.
    pub library_version: Box<str>,
    /// Bytes waiting to be sent.
    pub output_bytes: usize,
}

impl ClientLine {
    /// Does it listen to events?
    pub fn is_subscriber(&self) -> bool {
        self.channels + self.patterns > 0
    }
}

impl fmt::Display for ClientLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = if self.is_subscriber() { 'P' } else { 'N' };
        write!(
            f,
            "id={} addr={} laddr={} fd=-1 name={}",
            self.id, self.address, self.local_address, self.name
        )?;
        write!(
            f,
            " age={} idle={} flags={flags} db=0",
            self.age_s, self.idle_s
        )?;
        write!(
            f,
            " sub={} psub={} ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0",
            self.channels, self.patterns
        )?;
        write!(
            f,
            " multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem={} tot-mem=0 events=r",
            self.output_bytes
        )?;
        write!(
            f,
            " cmd={} user={} redir=-1 resp={}",
            self.command, self.user, self.resp
        )?;
        write!(
            f,
            " lib-name={} lib-ver={}",
            self.library_name, self.library_version
        )
    }
}
