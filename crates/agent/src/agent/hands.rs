//! The agent's hands: they carry out on redis-server what the core wants, and see how it is.

use super::{Notice, leftover, looking};
use crate::options::Options;
use crate::server::data::{DataState, inspect};
use crate::server::{
    Event, Info, Link, Server, StartError, Version, Watch, Watchdog, WatchdogCommand,
};
use holdfast_core::agent::{DataAtStart, Operation, ServerInfo};
use holdfast_core::limits::PAUSE_MAX;
use holdfast_core::time::Millis;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, spawn_local};

/// Time that redis-server has for a clean end.
const STOP_WITHIN: Duration = Duration::from_secs(4);

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
    watchdog: Watchdog,
    orders: mpsc::Sender<Operation>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Alive {
    fn drop(&mut self) {
        for task in &self.tasks {
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
        let server = Server::start(
            &self.options,
            &self.version,
            &self.password,
            self.events.clone(),
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
        let (orders, waiting) = mpsc::channel(WAITING_MAX);
        let obeying = spawn_local(obey(
            server.clone(),
            server.link(),
            waiting,
            self.inbox.clone(),
        ));
        self.alive = Some(Alive {
            server,
            watchdog,
            orders,
            tasks: vec![obeying.abort_handle()],
        });
        Ok(())
    }

    fn look_at_data(&self) -> DataAtStart {
        let state = inspect(&self.options.data_dir);
        let blank = state == DataState::Empty;
        DataAtStart {
            blank,
            foreign: !blank && !self.member && !self.options.adopt,
        }
    }

    /// It answers: tell what it is, once.
    pub(super) fn look_first(&mut self) {
        let Some(alive) = &mut self.alive else { return };
        let (pid, mut link, inbox) = (alive.server.pid(), alive.server.link(), self.inbox.clone());
        let task = spawn_local(async move {
            // It answered a moment ago; if it does not now, its death or its silence is reported elsewhere.
            loop {
                if let Ok(info) = link.info().await {
                    let _ = inbox.send(Notice::Started(pid, looking::full(&info))).await;
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

    /// Until when the watchdog may leave it open.
    pub(super) fn set_deadline(&mut self, until: Option<Millis>) {
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

    /// It has ended.
    pub(super) fn bury(&mut self) {
        self.alive = None;
        leftover::forget(&self.options.dir);
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
    while let Some(operation) = orders.recv().await {
        let result = execute(&mut link, &operation, was_master).await;
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
    let info: Info = match operation {
        Operation::Seal if was_master => link.depose().await,
        Operation::Seal => link.seal().await,
        Operation::Pause => link.hold(PAUSE_MAX).await,
        Operation::Promote => link.promote().await,
        Operation::Follow(address) => match link.follow_now(address).await {
            Ok(()) => link.info().await,
            Err(error) => Err(error),
        },
        Operation::Open => match link.open().await {
            Ok(()) => link.info().await,
            Err(error) => Err(error),
        },
        Operation::Fence => match link.fence().await {
            Ok(()) => link.info().await,
            Err(error) => Err(error),
        },
        Operation::Start | Operation::Kill | Operation::Stop => {
            return Err("no order for redis-server".to_owned());
        }
    }
    .map_err(|error| error.to_string())?;
    Ok(looking::full(&info))
}
