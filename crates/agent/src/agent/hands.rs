//! The agent's hands: they carry out on redis-server what the core wants, and see how it is.

use super::names::Names;
use super::renewing::{renew, renew_certificates};
use super::{Notice, leftover, looking};
use crate::clients::Outlook;
use crate::gate::{Behind, Certificates, Gate};
use crate::options::Options;
use crate::server::config::DataUse;
use crate::server::configure;
use crate::server::data::{DataState, inspect, is_bare, is_only_snapshot, is_unfinished};
use crate::server::{
    Event, Link, Renewal, Server, StartError, Version, Watch, Watchdog, WatchdogCommand,
};
use holdfast_core::agent::{DataAtStart, Operation, ServerInfo};
use holdfast_core::gate::{Carry, GateOrder, News};
use holdfast_core::limits::PAUSE_MAX;
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Epoch;
use holdfast_core::record::Durability;
use holdfast_core::time::Millis;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::task::{AbortHandle, spawn_local};

/// Time that redis-server has for a clean end.
const STOP_WITHIN: Duration = Duration::from_secs(4);

/// Connections through a gate, as redis-server's own `maxclients` and some for replicas.
const CLIENTS_MAX: usize = 10_100;

/// Operations that may wait; the core has one under way at a time.
const WAITING_MAX: usize = 4;

/// Why redis-server was not started.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Its configuration, port or directories.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No watchdog: without one it must not run.
    #[error("start the watchdog: {0}")]
    Watchdog(std::io::Error),
    /// Its number cannot be noted.
    #[error("note its process number: {0}")]
    Note(std::io::Error),
}

impl Error {
    /// Whether it may work in a moment: the port of a large server that was killed is free only when its memory is.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Start(StartError::Port { .. }) | Self::Note(_) | Self::Watchdog(_)
        )
    }
}

/// One living redis-server.
struct Alive {
    server: Rc<Server>,
    data: DataUse,
    watchdog: Watchdog,
    orders: mpsc::Sender<Operation>,
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
    events: mpsc::Sender<Event>,
    inbox: mpsc::Sender<Notice>,
    alive: Option<Alive>,
    data: DataAtStart,
    every: Rc<Cell<Millis>>,
    waker: Rc<Notify>,
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
        member: bool,
        events: mpsc::Sender<Event>,
        inbox: mpsc::Sender<Notice>,
    ) -> Self {
        Self {
            options,
            version,
            password,
            member,
            events,
            inbox,
            alive: None,
            data: DataAtStart::default(),
            every: Rc::new(Cell::new(100)),
            waker: Rc::new(Notify::new()),
            warned: false,
            gate: None,
            certificates: None,
            renewing_certificates: None,
            guided: 0,
        }
    }

    /// Opens the gate's doors, still shut behind, where this node has one.
    ///
    /// # Errors
    /// When the address is taken, or the certificates cannot be used.
    pub(super) fn open_gate(&mut self) -> anyhow::Result<()> {
        if self.options.gated() {
            self.certificates = Certificates::read(&self.options)?;
            let certificates = self.certificates.clone();
            let (inbox, listen) = (self.inbox.clone(), &self.options.listen);
            let tell = move |news: &News| inbox.try_send(Notice::Gate(news.clone())).is_ok();
            self.gate = Some(Gate::start(
                listen,
                certificates,
                CLIENTS_MAX,
                Mutant::None,
                tell,
            )?);
        }
        Ok(())
    }

    /// What has to be known to tell who is connected.
    pub(super) fn outlook(&self) -> Outlook {
        let alive = self.alive.as_ref();
        Outlook {
            node: self.options.name.to_string(),
            tls: self.options.tls_cert_file.is_some(),
            server: alive.map(|alive| (alive.server.pid(), alive.server.link())),
            gate: self.gate.as_ref().map(Gate::register),
        }
    }

    /// What the gate has to do from now on.
    pub(super) fn order_gate(&self, order: GateOrder) {
        let on_disk = self.options.durability == Durability::Fsync;
        match (&self.gate, order) {
            (_, GateOrder::Hold(hold)) if hold.on_disk() && !on_disk => {
                self.refuse_to_promise(Durability::Fsync);
            }
            (Some(gate), order) => gate.order(order),
            (None, GateOrder::Hold(_)) => self.refuse_to_promise(Durability::Quorum),
            (None, _) => {}
        }
    }

    /// Tells the gate of another primary, once.
    pub(super) fn guide_gate(&mut self, primary: Option<Carry>) {
        let Some((gate, primary)) = self.gate.as_ref().zip(primary) else {
            return;
        };
        if primary.epoch > std::mem::replace(&mut self.guided, primary.epoch) {
            gate.guide(primary);
        }
    }

    /// The group promises what this node cannot keep: its clients talk to redis-server itself, or its disk is behind.
    fn refuse_to_promise(&self, asked: Durability) {
        tracing::error!(
            "ending redis-server: the group's durability is `{asked}` and this agent's is `{}`; start it with `durability: {asked}`",
            self.options.durability
        );
        if let Some(alive) = &self.alive {
            alive.server.kill();
        }
    }

    /// The process number of the living redis-server.
    pub(super) fn pid(&self) -> Option<u32> {
        self.alive.as_ref().map(|alive| alive.server.pid())
    }

    /// What was on disk before it was started.
    pub(super) fn data(&self) -> DataAtStart {
        self.data
    }

    /// From now on the data beside it belongs to the group.
    pub(super) fn note_member(&mut self, member: bool) {
        self.member |= member;
    }

    /// Starts redis-server, sealed, with its watchdog.
    pub(super) fn start(&mut self) -> Result<(), Error> {
        self.data = self.look_at_data();
        let server = Server::start_with(
            &self.options,
            &self.version,
            &self.password,
            self.events.clone(),
            self.data_use(),
        )?;
        if !std::mem::replace(&mut self.warned, true) {
            server
                .warnings()
                .iter()
                .for_each(|warning| tracing::warn!("{warning}"));
        }
        let pid = rustix::process::Pid::from_raw(server.pid() as i32);
        let _ = rustix::process::setpriority_process(pid, 0);
        let server = Rc::new(server);
        let watchdog = WatchdogCommand::this_program()
            .and_then(|command| {
                Watchdog::spawn(command, server.id(), server.socket(), &self.password)
            })
            .inspect_err(|_| server.kill())
            .map_err(Error::Watchdog)?;
        leftover::note(&self.options.dir, server.pid()).map_err(Error::Note)?;
        if let Some(gate) = &self.gate {
            gate.serve(Some(Behind {
                socket: server.socket().to_owned(),
                id: server.id(),
                password: self.password.clone(),
                sharded: self.version.at_least(7, 0),
                stamps: server.configuration().rendered.stamps,
            }));
        }
        let (orders, waiting) = mpsc::channel(WAITING_MAX);
        let obeying = spawn_local(obey(
            server.clone(),
            server.link(),
            waiting,
            self.inbox.clone(),
        ));
        let renewal = Rc::new(Mutex::new(Renewal::new(server.configuration().clone())));
        self.alive = Some(Alive {
            renewal,
            renewing: None,
            server,
            data: self.data_use(),
            watchdog,
            orders,
            tasks: vec![obeying.abort_handle()],
        });
        Ok(())
    }

    fn look_at_data(&self) -> DataAtStart {
        let state = inspect(&self.options.data_dir);
        let empty = state == DataState::Empty;
        // A member whose data set is there and holds no key has lost nothing.
        let blank = empty && (is_bare(&self.options.data_dir) || !self.member);
        DataAtStart {
            blank,
            foreign: !empty && !self.member && !self.options.adopt,
            unfinished: is_unfinished(&self.options.data_dir),
        }
    }

    fn data_use(&self) -> DataUse {
        match self.data {
            DataAtStart { foreign: true, .. } => DataUse::Untouched,
            _ if is_only_snapshot(&self.options.data_dir) && wants_append_only(&self.options) => {
                DataUse::SnapshotFirst
            }
            _ => DataUse::Configured,
        }
    }

    /// It answers: tell what it is, once.
    pub(super) fn look_first(&mut self) {
        let Some(alive) = &mut self.alive else { return };
        let (pid, mut link, inbox) = (alive.server.pid(), alive.server.link(), self.inbox.clone());
        let begin_log = alive.data == DataUse::SnapshotFirst;
        let task = spawn_local(async move {
            // It answered a moment ago; if it does not now, its death or its silence is reported elsewhere.
            loop {
                if let Ok(info) = link.info().await {
                    let loading = info.loading;
                    let _ = inbox.send(Notice::Started(pid, looking::full(&info))).await;
                    if begin_log {
                        begin_append_only(&mut link, loading).await;
                    }
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        alive.tasks.push(task.abort_handle());
    }

    /// Looks at it regularly from now on.
    pub(super) fn begin_looking(&mut self) {
        let Some(alive) = &mut self.alive else { return };
        let (pid, link) = (alive.server.pid(), alive.server.link());
        let looking = looking::look(
            pid,
            link,
            self.every.clone(),
            self.waker.clone(),
            self.inbox.clone(),
        );
        alive.tasks.push(spawn_local(looking).abort_handle());
    }

    /// How closely to watch, and how often to look.
    pub(super) fn watch(&self, watch: Watch, every: Millis) {
        if let Some(alive) = &self.alive {
            alive.server.set_watch(watch);
        }
        if self.every.replace(every) > every {
            self.waker.notify_one();
        }
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

/// Whether changes are to go to an append-only file: yes, unless the operator's redis.conf says no.
fn wants_append_only(options: &Options) -> bool {
    let text = options
        .redis_conf
        .as_ref()
        .and_then(|path| std::fs::read_to_string(path).ok());
    let said = |line: &str| {
        let mut words = line.split_whitespace();
        let key = words.next()?.eq_ignore_ascii_case("appendonly");
        key.then(|| {
            words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case("yes"))
        })
    };
    text.iter()
        .flat_map(|text| text.lines())
        .filter_map(said)
        .next_back()
        .unwrap_or(true)
}

/// Once the snapshot is read, changes go to an append-only file.
async fn begin_append_only(link: &mut Link, mut loading: bool) {
    while loading {
        tokio::time::sleep(Duration::from_millis(50)).await;
        loading = link.info().await.is_ok_and(|info| info.loading);
    }
    if let Err(error) = link.command(&["CONFIG", "SET", "appendonly", "yes"]).await {
        tracing::warn!("begin the append-only file: {error}");
    }
}

/// Carries orders out one after the other.
async fn obey(
    server: Rc<Server>,
    mut link: Link,
    mut orders: mpsc::Receiver<Operation>,
    inbox: mpsc::Sender<Notice>,
) {
    let pid = server.pid();
    let mut was_master = false;
    let mut names = Names::default();
    while let Some(operation) = orders.recv().await {
        let result = match &operation {
            Operation::Follow(primary) => {
                let reachable = Operation::Follow(names.reachable(primary).await);
                execute(&mut link, &reachable, was_master).await
            }
            operation => execute(&mut link, operation, was_master).await,
        };
        if let Ok(info) = &result {
            was_master = info.is_master;
        }
        if inbox
            .send(Notice::Done(pid, operation, result))
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn execute(
    link: &mut Link,
    operation: &Operation,
    was_master: bool,
) -> Result<ServerInfo, String> {
    let seen = match operation {
        Operation::Seal if was_master => link.depose().await,
        Operation::Seal => link.seal().await,
        Operation::Pause => link.hold(PAUSE_MAX).await,
        Operation::Promote => link.promote().await,
        Operation::Follow(address) => link.follow_now(address).await,
        Operation::Open => link.open().await,
        Operation::Fence => match link.fence().await {
            Ok(()) => link.info().await,
            Err(error) => Err(error),
        },
        Operation::Start | Operation::Kill | Operation::Stop => {
            return Err("no order for redis-server".to_owned());
        }
    };
    seen.map(|info| looking::full(&info))
        .map_err(|error| error.to_string())
}
