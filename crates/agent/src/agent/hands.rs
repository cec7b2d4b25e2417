//! The agent's hands: they carry out on redis-server what the core wants, and see how it is.

mod gate;
mod obeying;
mod starting;

use super::looking::Pace;
use super::renewing::{renew, renew_certificates};
use super::{Notice, leftover};
use crate::gate::{Certificates, Gate};
use crate::options::Options;
use crate::server::config::DataUse;
use crate::server::data::{files, keep};
use crate::server::{Event, Renewal, Server, Version, Watch, Watchdog, configure};
use holdfast_core::agent::{DataAtStart, Operation, Stored};
use holdfast_core::dataset::{Files, Noted};
use holdfast_core::names::Epoch;
use holdfast_core::time::Millis;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::{AbortHandle, spawn_local};

pub(super) use starting::Error as StartFailure;

/// Time that redis-server has for a clean end.
const STOP_WITHIN: Duration = Duration::from_secs(4);

/// One living redis-server.
struct Alive {
    server: Rc<Server>,
    data: DataUse,
    watchdog: Watchdog,
    orders: mpsc::Sender<Operation>,
    /// The other end of it, until the agent has its connections.
    waiting: Option<mpsc::Receiver<Operation>>,
    tasks: Vec<AbortHandle>,
    /// What it runs with; the newest wish for another configuration holds it.
    renewal: Rc<Mutex<Renewal>>,
    renewing: Option<AbortHandle>,
}

impl Drop for Alive {
    fn drop(&mut self) {
        for task in self.tasks.iter().chain(&self.renewing) {
            task.abort();
        }
    }
}

/// Holds redis-server.
pub(super) struct Hands {
    options: Options,
    version: Version,
    password: String,
    member: bool,
    /// What the data were when their position was last noted, and the last time before which is safe from a loss of power.
    latest: Option<Box<Noted>>,
    noted: Option<Noted>,
    events: mpsc::Sender<Event>,
    inbox: mpsc::Sender<Notice>,
    alive: Option<Alive>,
    data: DataAtStart,
    pace: Pace,
    warned: bool,
    /// Where clients come in, if not at redis-server itself.
    gate: Option<Gate>,
    /// What the gate shows to clients and other gates, with TLS.
    certificates: Option<Certificates>,
    renewing_certificates: Option<AbortHandle>,
    /// The reign of which the gate was told last.
    guided: Epoch,
}

impl Hands {
    pub(super) fn new(
        options: Options,
        version: Version,
        password: String,
        stored: &Stored,
        events: mpsc::Sender<Event>,
        inbox: mpsc::Sender<Notice>,
    ) -> Self {
        Self {
            options,
            version,
            password,
            member: stored.member,
            latest: stored.latest.clone(),
            noted: stored.noted.clone(),
            events,
            inbox,
            alive: None,
            data: DataAtStart::default(),
            pace: Pace::new(),
            warned: false,
            gate: None,
            certificates: None,
            renewing_certificates: None,
            guided: 0,
        }
    }

    /// The process number of the living redis-server.
    pub(super) fn pid(&self) -> Option<u32> {
        self.alive.as_ref().map(|alive| alive.server.pid())
    }

    /// What was on disk before it was started.
    pub(super) fn data(&self) -> &DataAtStart {
        &self.data
    }

    /// What is remembered from now on.
    pub(super) fn note(&mut self, stored: &Stored) {
        self.member |= stored.member;
        self.latest.clone_from(&stored.latest);
        self.noted.clone_from(&stored.noted);
    }

    /// Keeps the data beside their folder, whatever takes their place there. Says where.
    pub(super) fn keep_data(&self, why: &str) -> Result<String, String> {
        let kept = keep(&self.options.data_dir, why);
        kept.map(|place| place.display().to_string())
            .map_err(|error| error.to_string())
    }

    /// The files of its redis-server as they are now; none without one, or where they cannot be read.
    pub(super) fn files(&self) -> Option<Files> {
        let appends = self.alive.as_ref()?.server.configuration().rendered.appends;
        files(&self.options.data_dir, appends).ok()
    }

    /// How closely to watch, and how often to look.
    pub(super) fn watch(&self, watch: Watch, every: Millis) {
        if let Some(alive) = &self.alive {
            alive.server.set_watch(watch);
        }
        self.pace.set(every);
    }

    /// An operation has ended: the next look sees all that it may have changed.
    pub(super) fn note_done(&self) {
        self.pace.see_all();
    }

    /// Replaces a watchdog that died; called about once a second.
    pub(super) fn check_watchdog(&mut self) {
        let Some(alive) = &mut self.alive else { return };
        if let Err(error) = alive.watchdog.check() {
            tracing::error!(
                "keep a watchdog: {error}; ending redis-server, which must not run without one"
            );
            alive.server.kill();
        }
    }

    /// Until when the watchdog may leave it open.
    pub(super) fn set_deadline(&mut self, until: Option<Millis>) {
        if let Some(gate) = &self.gate {
            gate.renew(until);
        }
        let Some(alive) = &mut self.alive else { return };
        if let Err(error) = alive.watchdog.set_deadline(until.map(|ms| ms * 1_000_000)) {
            tracing::error!(
                "keep a watchdog: {error}; ending redis-server, which must not run without one"
            );
            alive.server.kill();
        }
    }

    /// Carries one operation out.
    pub(super) fn carry_out(&mut self, operation: Operation) {
        let Some(alive) = &self.alive else { return };
        match operation {
            Operation::Kill => alive.server.kill(),
            Operation::Stop => {
                let server = alive.server.clone();
                spawn_local(async move { server.stop(STOP_WITHIN).await });
            }
            operation => {
                if alive.orders.try_send(operation).is_err() {
                    tracing::error!("too many operations wait; ending redis-server");
                    alive.server.kill();
                }
            }
        }
    }

    /// Other options: redis-server is brought to them as it runs, and started with them from now on.
    pub(super) fn renew(&mut self, options: Options) {
        self.options = options;
        self.renew_certificates();
        let Some(alive) = &mut self.alive else { return };
        if let Some(former) = alive.renewing.take() {
            former.abort();
        }
        let (options, version) = (self.options.clone(), self.version.clone());
        let (password, data) = (self.password.clone(), alive.data);
        let socket = alive.server.socket().to_owned();
        let configure = move || configure(&options, &version, &password, data, &socket);
        let renewing = renew(alive.server.link(), alive.renewal.clone(), configure);
        alive.renewing = Some(spawn_local(renewing).abort_handle());
    }

    /// The gate shows what the files hold now, whether redis-server runs or not.
    fn renew_certificates(&mut self) {
        if let Some(former) = self.renewing_certificates.take() {
            former.abort();
        }
        if let Some(certificates) = self.certificates.clone() {
            let renewing = renew_certificates(certificates, self.options.clone());
            self.renewing_certificates = Some(spawn_local(renewing).abort_handle());
        }
    }

    /// It has ended.
    pub(super) fn bury(&mut self) {
        self.alive = None;
        if let Some(gate) = &self.gate {
            gate.serve(None);
        }
        leftover::forget(&self.options.dir);
    }
}
