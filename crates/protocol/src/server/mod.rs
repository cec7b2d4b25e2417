//! The shell: sockets, tasks and limits round [`crate::handle`].
//!
//! ```text
//!  accept ──▶ Connection (one small task each) ◀──wake── Client (entry of the table: what others may see and do)
//!                 │ borrows while it runs                    ▲ mailbox
//!                 ▼                                          │
//!             Scratch (one per thread: read buffer, write buffer, parser)        dispatcher (events), sweeper (time limits)
//! ```
//!
//! An idle connection holds no buffer at all. A request costs one read and one write: a read that does not fill the buffer clears the
//! readiness, so that no second read is tried before the kernel says so.

mod accept;
mod client;
mod connection;
mod files;
mod shared;
mod sweep;
#[cfg(feature = "tls")]
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::{Acl, AclError, ActionRequest, ClientTable as _, Clock, Event, Options, View};
use accept::Listener;
use shared::Shared;

/// What connects the server with its sentinel.
#[derive(Clone)]
pub struct Wiring {
    /// The clock of the view's stamps.
    pub clock: Clock,
    /// What the sentinel knows; replaced whenever something changes.
    pub view: Arc<ArcSwap<View>>,
    /// Where actions go. When it is full, the client is told so at once.
    pub actions: mpsc::Sender<ActionRequest>,
    /// Events to be published to subscribers.
    pub events: broadcast::Sender<Event>,
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: {1}; stop what listens there or choose another port")]
    Listen(SocketAddr, std::io::Error),
    /// The users are not well-formed.
    #[error("cannot read the ACL users: {0}")]
    Acl(#[from] AclError),
    /// Certificates cannot be used, or TLS is asked for and not there.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
    /// The thread or its runtime cannot be made.
    #[error("cannot start the server's thread: {0}")]
    Thread(std::io::Error),
}

/// A server that is bound, and not yet running.
pub struct Server {
    shared: Arc<Shared>,
    listeners: Vec<Listener>,
    events: broadcast::Receiver<Event>,
}

impl Server {
    /// Binds the listeners. Must be called inside the runtime that will run the server.
    pub fn bind(options: &Options, wiring: Wiring) -> Result<Self, ServeError> {
        let acl = Acl::from_configuration(options.requirepass.as_deref(), &options.users)?;
        let max_clients = files::room_for(options.limits.max_clients);
        let events = wiring.events.subscribe();
        let tls = tls_of(options)?;
        let listeners = accept::listeners(options)?;
        let port = listeners
            .first()
            .map_or(0, |listener| listener.address.port());
        let shared = Arc::new(Shared::new(options, max_clients, (acl, tls), wiring, port));
        Ok(Self {
            shared,
            listeners,
            events,
        })
    }

    /// The addresses that it listens on: those without TLS first.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners
            .iter()
            .map(|listener| listener.address)
            .collect()
    }

    /// Serves until the future is dropped. Connections end with the runtime.
    pub async fn run(self) {
        let mut tasks = tokio::task::JoinSet::new();
        for listener in self.listeners {
            tasks.spawn(listener.run(Arc::clone(&self.shared)));
        }
        tasks.spawn(sweep::dispatch(Arc::clone(&self.shared), self.events));
        tasks.spawn(sweep::sweep(self.shared));
        while tasks.join_next().await.is_some() {}
    }
}

#[cfg(feature = "tls")]
fn tls_of(options: &Options) -> Result<shared::Tls, ServeError> {
    if options.listen_tls.is_empty() {
        return Ok(shared::Tls::empty());
    }
    let files = options.tls.as_ref();
    let files = files.ok_or_else(|| ServeError::Tls("no certificate is configured".to_owned()))?;
    tls::acceptor(files).map(shared::Tls::from_pointee)
}

#[cfg(not(feature = "tls"))]
fn tls_of(options: &Options) -> Result<shared::Tls, ServeError> {
    if options.listen_tls.is_empty() {
        Ok(())
    } else {
        Err(ServeError::Tls("this build has no TLS".to_owned()))
    }
}

/// Binds and serves until the future is dropped. Meant for a current-thread runtime of its own.
pub async fn serve(options: &Options, wiring: Wiring) -> Result<(), ServeError> {
    Server::bind(options, wiring)?.run().await;
    Ok(())
}

/// A running server on its own thread; dropping it stops the server and cuts off all clients.
pub struct Handle {
    addresses: Vec<SocketAddr>,
    table: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// The addresses that it listens on: those without TLS first.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Renews its users and certificates, from any thread.
    pub fn renewal(&self) -> Renewal {
        Renewal(Arc::clone(&self.table))
    }

    /// How many clients there are and were, and what they asked.
    pub fn facts(&self) -> crate::Facts {
        self.table.facts()
    }
}

/// Renews the users and the certificates of a running server. Holding it does not keep the server running.
#[derive(Clone)]
pub struct Renewal(Arc<Shared>);

impl Renewal {
    /// Takes over the users and the certificates of `options`, all or nothing; the rest of them stays as it was at the start.
    /// Clients stay connected: a password counts for those who log in, a certificate for those who connect. Reads files.
    ///
    /// # Errors
    /// When they cannot be read or make no sense. Nothing is changed then.
    pub fn renew(&self, options: &Options) -> Result<(), ServeError> {
        let acl = Acl::from_configuration(options.requirepass.as_deref(), &options.users)?;
        #[cfg(feature = "tls")]
        if let Some(acceptor) = tls_of(options)?.load_full() {
            self.0.tls.store(Some(acceptor));
        }
        self.0.acl.store(Arc::new(acl));
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts a thread with a current-thread runtime, and serves there. Returns when the listeners are bound.
pub fn spawn(options: Options, wiring: Wiring) -> Result<Handle, ServeError> {
    let (bound, is_bound) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new()
        .name("clients".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return drop(bound.send(Err(ServeError::Thread(error)))),
            };
            runtime.block_on(async move {
                let server = match Server::bind(&options, wiring) {
                    Ok(server) => server,
                    Err(error) => return drop(bound.send(Err(error))),
                };
                drop(bound.send(Ok((server.addresses(), Arc::clone(&server.shared)))));
                tokio::select! {
                    () = server.run() => {}
                    _ = stopped => {}
                }
            });
        });
    let thread = thread.map_err(ServeError::Thread)?;
    let gone = || ServeError::Thread(std::io::Error::other("it ended at once"));
    let (addresses, table) = is_bound.recv().map_err(|_| gone())??;
    Ok(Handle {
        addresses,
        table,
        stop: Some(stop),
        thread: Some(thread),
    })
}
