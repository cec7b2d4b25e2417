//! What all connections share: the table of clients, the users, the counters.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use super::Wiring;
use super::client::Client;
use crate::{Acl, ClientLimits, ClientLine, ClientTable, Facts, Ms, Options};

#[cfg(feature = "tls")]
pub(super) type Tls = arc_swap::ArcSwapOption<tokio_rustls::TlsAcceptor>;
#[cfg(not(feature = "tls"))]
pub(super) type Tls = ();

type Table = BTreeMap<u64, Arc<Client>>;

pub(super) struct Shared {
    pub(super) wiring: Wiring,
    pub(super) acl: ArcSwap<Acl>,
    /// Shakes hands on the listeners with TLS; replaced when the certificates are.
    pub(super) tls: Tls,
    pub(super) limits: ClientLimits,
    pub(super) counters: Counters,
    /// See [`Options::open_administration`].
    pub(super) open_administration: bool,
    max_clients: usize,
    run_id: Arc<str>,
    port: u16,
    started: Ms,
    next_id: AtomicU64,
    clients: Mutex<Table>,
    subscribers: Mutex<Table>,
}

/// Counters since the start.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) accepted: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) commands: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) bytes_in: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    pub(super) slow_readers: AtomicU64,
}

/// Adds to a counter.
pub(super) fn count(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Relaxed);
}

/// A panic elsewhere cannot leave a table half-written.
fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(
        options: &Options,
        max_clients: usize,
        (acl, tls): (Acl, Tls),
        wiring: Wiring,
        port: u16,
    ) -> Self {
        Self {
            started: wiring.clock.now(),
            wiring,
            acl: ArcSwap::from_pointee(acl),
            tls,
            limits: options.limits,
            counters: Counters::default(),
            open_administration: options.open_administration,
            max_clients,
            run_id: Arc::from(options.run_id.as_str()),
            port,
            next_id: AtomicU64::new(1),
            clients: Mutex::default(),
            subscribers: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Ms {
        self.wiring.clock.now()
    }

    /// Enters a new connection into the table; `None` at the limit.
    pub(super) fn admit(&self, address: SocketAddr, local: SocketAddr) -> Option<Arc<Client>> {
        let mut clients = lock(&self.clients);
        if clients.len() >= self.max_clients {
            count(&self.counters.rejected, 1);
            return None;
        }
        count(&self.counters.accepted, 1);
        let id = self.next_id.fetch_add(1, Relaxed);
        let client = Arc::new(Client::new(id, address, local, self.now()));
        clients.insert(id, Arc::clone(&client));
        Some(client)
    }

    pub(super) fn forget(&self, id: u64) {
        lock(&self.clients).remove(&id);
        lock(&self.subscribers).remove(&id);
    }

    /// Says whether the connection wants events.
    pub(super) fn set_subscribed(&self, client: &Arc<Client>, subscribed: bool) {
        let mut subscribers = lock(&self.subscribers);
        if subscribed {
            subscribers.insert(client.id, Arc::clone(client));
        } else {
            subscribers.remove(&client.id);
        }
    }

    pub(super) fn all_clients(&self) -> Vec<Arc<Client>> {
        lock(&self.clients).values().cloned().collect()
    }

    pub(super) fn all_subscribers(&self) -> Vec<Arc<Client>> {
        lock(&self.subscribers).values().cloned().collect()
    }

    /// Drops a client that does not read.
    pub(super) fn drop_slow_reader(&self, client: &Client) {
        count(&self.counters.slow_readers, 1);
        tracing::warn!(
            client = client.id,
            "dropped a client that does not read its replies"
        );
        client.cut();
    }
}

impl ClientTable for Shared {
    fn facts(&self) -> Facts {
        let load = |counter: &AtomicU64| counter.load(Relaxed);
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok();
        let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        Facts {
            run_id: Arc::clone(&self.run_id),
            process_id: std::process::id(),
            tcp_port: self.port,
            unix_us: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_micros() as u64),
            uptime_s: self.now().saturating_sub(self.started) / 1000,
            max_clients: self.max_clients,
            connected: lock(&self.clients).len(),
            accepted: load(&self.counters.accepted),
            rejected: load(&self.counters.rejected),
            commands: load(&self.counters.commands),
            errors: load(&self.counters.errors),
            bytes_in: load(&self.counters.bytes_in),
            bytes_out: load(&self.counters.bytes_out),
            slow_readers_dropped: load(&self.counters.slow_readers),
            subscribers: lock(&self.subscribers).len(),
            cpu_system_s: usage.map_or(0.0, |usage| seconds(usage.system_time())),
            cpu_user_s: usage.map_or(0.0, |usage| seconds(usage.user_time())),
        }
    }

    fn clients(&self) -> Vec<ClientLine> {
        let now = self.now();
        lock(&self.clients)
            .values()
            .map(|client| client.line(now))
            .collect()
    }

    fn kill(&self, id: u64) {
        let client = lock(&self.clients).get(&id).cloned();
        if let Some(client) = client {
            client.cut();
        }
    }
}
