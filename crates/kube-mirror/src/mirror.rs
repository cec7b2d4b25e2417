//! The handle, and the thread behind it.

use crate::api::Api;
use crate::news::{News, Role, Shown};
use crate::{events, role};
use std::io;
use std::net::IpAddr;
use tokio::sync::{mpsc, watch};

/// News that wait while the API server does not answer; further ones are dropped.
const NEWS_MAX: usize = 64;

/// Which API server is told.
#[derive(Clone, Debug, Default)]
pub enum Server {
    /// That of the cluster that this pod runs in, found without DNS.
    #[default]
    InCluster,
    /// The one at this address, without credentials: for tests and `kubectl proxy`.
    At(http::Uri),
}

/// Who tells.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which API server is told.
    pub server: Server,
    /// Namespace of this pod.
    pub namespace: String,
    /// Name of this pod.
    pub pod: String,
    /// Its UID, so that events show with the pod; empty if it is not known.
    pub uid: String,
    /// Its address.
    pub ip: IpAddr,
    /// The Service without selector that leads to the primary, if there is one.
    pub primary_service: Option<String>,
    /// Port of redis-server in this pod.
    pub port: u16,
}

/// Tells Kubernetes. Dropping it ends the telling.
#[derive(Debug)]
pub struct Mirror {
    shown: watch::Sender<Option<Shown>>,
    news: mpsc::Sender<News>,
}

impl Mirror {
    /// Starts the thread. The API server is not talked to before there is something to tell.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(place: Place) -> io::Result<Self> {
        let (shown, wanted) = watch::channel(None);
        let (news, waiting) = mpsc::channel(NEWS_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("kube-mirror".into())
            .spawn(move || {
                // Threads inherit their maker's share of the cores; this one may be late.
                let _ = rustix::process::setpriority_process(None, 0);
                runtime.block_on(run(place, wanted, waiting));
            })?;
        Ok(Self { shown, news })
    }

    /// This pod is that from now on. The newest word replaces what was not told yet.
    pub fn role(&self, role: Role, epoch: u64) {
        self.shown.send_replace(Some(Shown { role, epoch }));
    }

    /// Tells news, or drops them when too many wait.
    pub fn news(&self, news: News) {
        if self.news.try_send(news).is_err() {
            tracing::debug!("tell Kubernetes: too many news wait; this one is dropped");
        }
    }
}

async fn run(place: Place, wanted: watch::Receiver<Option<Shown>>, waiting: mpsc::Receiver<News>) {
    let api = Api::new(place);
    tokio::join!(role::tell(&api, wanted), events::tell(&api, waiting));
}
