//! The clients' side: what they are shown, told and may ask.

mod asking;
mod events;
mod renewing;
mod view;

pub(crate) use asking::Asked;

use crate::bell;
use crate::options::Options;
use arc_swap::ArcSwap;
use holdfast_core::names::{Address, Group, Sentinel};
use holdfast_core::sentinel::{Answer, Happening, SentinelCore};
use holdfast_core::time::Millis;
use holdfast_protocol::{ActionRequest, Clock, Event, View};
use renewing::Guard;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, mpsc, oneshot};

/// Requests that may wait for the core.
const ASKED_MAX: usize = 1024;

/// Events kept for subscribers that are a little behind.
const EVENTS_MAX: usize = 1024;

/// Pace at which ages and offsets are shown anew while nothing happens.
const REFRESH: Millis = 100;

/// What connects the sentinel with the thread that serves its clients.
pub(crate) struct Clients {
    /// Where each sentinel listens for clients, as configured.
    addresses: BTreeMap<Sentinel, Address>,
    /// Where each was reached last.
    met: BTreeMap<Sentinel, IpAddr>,
    /// Whether clients are told names rather than addresses.
    names: bool,
    guard: Arc<Guard>,
    view: Arc<ArcSwap<View>>,
    events: broadcast::Sender<Event>,
    actions: mpsc::Receiver<ActionRequest>,
    waiting: BTreeMap<u64, oneshot::Sender<Result<String, String>>>,
    next_id: u64,
    /// What has to be added to the core's time to give the clock of the view.
    shift: i64,
    stale: BTreeSet<Group>,
    /// Every group as last shown; a new view shares those in which nothing happened.
    shown: BTreeMap<Group, Arc<holdfast_protocol::Group>>,

    refreshed: Millis,
    memory: view::Memory,
    /// Dropping it ends the clients' thread.
    server: holdfast_protocol::Handle,
}

impl Clients {
    /// Starts the thread that serves clients.
    pub(crate) fn start(options: &Options, identity: &str) -> anyhow::Result<Self> {
        let origin = Instant::now();
        let shift = -(bell::now() as i64);
        let view = Arc::new(ArcSwap::from_pointee(View {
            my_id: identity.to_owned(),
            ..View::default()
        }));
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let (sender, actions) = mpsc::channel(ASKED_MAX);
        let wiring = holdfast_protocol::Wiring {
            view: view.clone(),
            actions: sender,
            events: events.clone(),
            clock: Clock::since(origin),
        };
        let asked = asking::protocol_options(options, identity)?;
        let server = holdfast_protocol::spawn(asked.clone(), wiring)?;
        let guard = Arc::new(Guard::new(server.renewal(), identity, &asked));
        Ok(Self {
            addresses: addresses(options),
            met: BTreeMap::new(),
            names: tells_names(options),
            guard,
            view,
            events,
            actions,
            waiting: BTreeMap::new(),
            next_id: 0,
            shift,
            stale: BTreeSet::new(),
            shown: BTreeMap::new(),
            refreshed: 0,
            memory: view::Memory::default(),
            server,
        })
    }

    /// Takes over what clients are told and who may log in. Files are read by another thread: nobody waits for a disk here.
    pub(crate) fn renew(&mut self, options: &Options) {
        self.addresses = addresses(options);
        self.names = tells_names(options);
        self.refreshed = 0;
        let (guard, options) = (self.guard.clone(), options.clone());
        tokio::task::spawn_blocking(move || guard.renew(&options));
    }

    /// A sentinel was reached at this address.
    pub(crate) fn met(&mut self, sentinel: &Sentinel, ip: IpAddr) {
        self.met.insert(sentinel.clone(), ip);
    }

    /// Where clients are told to find a sentinel: by the address at which it was reached, or by its name where that is
    /// wished or it was not reached yet.
    fn address_of(&self, sentinel: &Sentinel) -> Option<Address> {
        let configured = self.addresses.get(sentinel)?;
        let met = self.met.get(sentinel).filter(|_| !self.names);
        let is_name = configured.host.parse::<IpAddr>().is_err();
        Some(match met {
            Some(ip) if is_name => Address::new(ip.to_string(), configured.port),
            _ => configured.clone(),
        })
    }

    /// How many clients there are and were.
    pub(crate) fn facts(&self) -> holdfast_protocol::Facts {
        self.server.facts()
    }

    /// The next request of a client.
    pub(crate) async fn asked(&mut self) -> Asked {
        match self.actions.recv().await {
            Some(request) => request,
            // The clients' thread has ended; it takes the process with it.
            None => std::future::pending().await,
        }
    }

    /// Something happened that clients may have subscribed to: shown in the view first, then told.
    pub(crate) fn happened(&mut self, core: &SentinelCore, group: &Group, happening: &Happening) {
        self.stale.insert(group.clone());
        // Nobody was told of a suspicion that is over.
        let news = self.memory.is_suspected(group) || !matches!(happening, Happening::Cleared(_));
        self.memory.note(self.at(bell::now()), group, happening);
        self.refresh_stale(bell::now(), core);
        let events = news.then(|| self.events_for(core, group, happening));
        for event in events.into_iter().flatten() {
            // Nobody listening is no error.
            let _ = self.events.send(event);
        }
    }

    /// Keeps the view true: at once for groups in which something happened, now and then for the rest.
    pub(crate) fn refresh(&mut self, now: Millis, core: &SentinelCore) {
        let pace = REFRESH + core.groups().count() as Millis;
        if now >= self.refreshed + pace {
            self.refreshed = now;
            self.stale
                .extend(core.groups().map(|(name, _)| name.clone()));
        }
        self.refresh_stale(now, core);
    }

    fn refresh_stale(&mut self, now: Millis, core: &SentinelCore) {
        if self.stale.is_empty() {
            return;
        }
        let stale = std::mem::take(&mut self.stale);
        for (name, state) in stale
            .iter()
            .filter_map(|name| Some((name, core.group(name)?)))
        {
            let shown = Arc::new(self.show(now, core, name, state));
            self.shown.insert(name.clone(), shown);
        }
        let old = self.view.load();
        let mut next = View {
            my_id: old.my_id.clone(),
            settings: old.settings.clone(),
            ..View::default()
        };
        drop(old);
        next.groups = self.shown.values().cloned().collect();
        next.current_epoch = next
            .groups
            .iter()
            .map(|group| group.config_epoch)
            .max()
            .unwrap_or(0);
        self.view.store(Arc::new(next));
    }

    /// The view's time for a time of the core.
    fn at(&self, core: Millis) -> u64 {
        (core as i64 + self.shift).max(0) as u64
    }

    /// Answers a request that the core has dealt with.
    pub(crate) fn answer(&mut self, id: u64, result: Result<Answer, String>) {
        if let Some(reply) = self.waiting.remove(&id) {
            let text =
                result.and_then(|answer| serde_json::to_string(&answer).map_err(|e| e.to_string()));
            // A client that has left does not mind.
            let _ = reply.send(text);
        }
    }
}

fn addresses(options: &Options) -> BTreeMap<Sentinel, Address> {
    let peers = options.sentinels.iter();
    peers
        .map(|peer| (peer.name.clone(), peer.clients.clone()))
        .collect()
}

/// Certificates hold names, so clients that use TLS are told names unless that is decided otherwise.
fn tells_names(options: &Options) -> bool {
    let secure = options.tls_cert_file.is_some();
    options.announce_hostnames.unwrap_or(secure)
}

/// How long a client waits for an action before it is told that there was no answer.
pub(crate) const ACTION_MAX: Duration = Duration::from_secs(15);
