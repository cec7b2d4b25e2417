//! redis-server is started, with its watchdog, and looked at.

use super::obeying::obey;
use super::{Alive, Hands};
use crate::agent::sampling::Sampler;
use crate::agent::{Notice, guarding, leftover, looking};
use crate::gate::Behind;
use crate::options::Options;
use crate::server::config::DataUse;
use crate::server::data::{
    DataState, folder, inspect, is_bare, is_hollow, is_only_snapshot, is_unfinished, noted_tail,
    unreadable,
};
use crate::server::{
    Door, Link, LinkError, Login, Renewal, Server, StartError, Watchdog, WatchdogCommand, log_path,
};
use holdfast_core::agent::{DataAtStart, ServerInfo};
use holdfast_core::dataset::{DataFolder, Found, Noted, Verdict};
use holdfast_core::mutant::Mutant;
use holdfast_core::record::Durability;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};
use tokio::task::spawn_local;

/// Operations that may wait; the core has one under way at a time.
const WAITING_MAX: usize = 4;

/// The agent has its connections within milliseconds. What takes longer than this is told.
const LONG: Duration = Duration::from_secs(3);

/// Why a redis-server that reads its snapshot is not started on one without a byte.
const HOLLOW: &str = "dump.rdb is empty, and redis-server would end on it: put the snapshot back, or remove the empty file to start \
                      without data";

/// Why redis-server was not started.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum Error {
    /// Its configuration, port or directories.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No watchdog: without one it must not run.
    #[error("start the watchdog: {0}")]
    Watchdog(std::io::Error),
    /// Its number cannot be noted.
    #[error("note its process number: {0}")]
    Note(std::io::Error),
    /// It would ignore data that lie in its folder, or cannot read them.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// Whether it may work in a moment: the port of a large server that was killed is free only when its memory is.
    pub(in super::super) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Start(StartError::Port { .. }) | Self::Note(_) | Self::Watchdog(_)
        )
    }
}

impl Hands {
    /// Starts redis-server, sealed, with its watchdog.
    pub(in super::super) fn start(&mut self) -> Result<(), Error> {
        // The program may be another one than before.
        self.version = self.version.renewed();
        let folder = self.look_at_folder()?;
        self.data = self.look_at_data(&folder);
        let data_use = self.data_use(&folder);
        self.read_first(data_use)?;
        if data_use != DataUse::Untouched {
            let appends = wants_append_only(&self.options);
            let refusal = folder.refusal(appends, self.newest_note(), Mutant::None);
            refusal.map_or(Ok(()), |why| Err(Error::Refused(why)))?;
        }
        let server = Server::start_with(
            &self.options,
            &self.version,
            &self.password,
            self.events.clone(),
            data_use,
            Door::Shut,
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
        let renewal = Rc::new(Mutex::new(Renewal::new(server.configuration().clone())));
        self.alive = Some(Alive {
            renewal,
            renewing: None,
            server,
            data: data_use,
            watchdog,
            orders,
            waiting: Some(waiting),
            tasks: Vec::new(),
        });
        Ok(())
    }

    /// Refuses to start a redis-server that could not read what it would have to: it would end at once, or worse, begin
    /// without it.
    fn read_first(&self, data: DataUse) -> Result<(), Error> {
        let as_configured = matches!(data, DataUse::Configured | DataUse::Doubted);
        let append_only = as_configured && wants_append_only(&self.options);
        if as_configured && !append_only && is_hollow(&self.options.data_dir) {
            return Err(Error::Refused(HOLLOW.to_owned()));
        }
        let found = unreadable(&self.options.data_dir, append_only, &self.version.named());
        found.map_or(Ok(()), |found| Err(Error::Refused(found.to_string())))
    }

    /// What lies in the data folder. One that cannot be read is not started on.
    fn look_at_folder(&self) -> Result<DataFolder, Error> {
        let (dir, in_folder) = (&self.options.data_dir, self.version.at_least(7, 0));
        let appends = wants_append_only(&self.options);
        folder(dir, &log_path(&self.options), appends, in_folder)
            .map_err(|error| Error::Refused(format!("cannot read {}: {error}", dir.display())))
    }

    fn look_at_data(&self, folder: &DataFolder) -> DataAtStart {
        let state = inspect(&self.options.data_dir);
        let empty = state == DataState::Empty;
        // A member whose data set is there and holds no key has lost nothing.
        let blank = empty && (is_bare(&self.options.data_dir) || !self.member);
        DataAtStart {
            blank,
            keyless: empty,
            foreign: !empty && !self.member && !self.options.adopt,
            unfinished: is_unfinished(&self.options.data_dir),
            files: folder.files.clone(),
            noted_tail: self.tail_of(self.noted.as_ref()),
            latest_tail: self.tail_of(self.latest.as_deref()),
        }
    }

    /// As [`holdfast_core::agent::Stored::newest_note`].
    fn newest_note(&self) -> Option<&Noted> {
        self.latest.as_deref().or(self.noted.as_ref())
    }

    fn tail_of(&self, note: Option<&Noted>) -> Option<u64> {
        note.and_then(|note| noted_tail(&self.options.data_dir, note))
    }

    fn data_use(&self, folder: &DataFolder) -> DataUse {
        let only_snapshot = folder.begins_with_snapshot(self.newest_note())
            || is_only_snapshot(&self.options.data_dir);
        let snapshot_first = only_snapshot && wants_append_only(&self.options);
        match (snapshot_first, self.is_doubted()) {
            _ if self.data.foreign => DataUse::Untouched,
            (true, false) => DataUse::SnapshotFirst,
            (true, true) => DataUse::DoubtedSnapshot,
            (false, true) => DataUse::Doubted,
            (false, false) => DataUse::Configured,
        }
    }

    /// Whether the files alone show that the data are not those that were noted. Where disks are promised stamps are read like
    /// data, and the gate is what clients reach.
    fn is_doubted(&self) -> bool {
        let found = Found {
            before: &self.data.files,
            noted_tail: self.data.noted_tail,
            after: None,
            keys: u64::MAX,
        };
        let (latest, settled) = (self.latest.as_deref(), self.noted.as_ref());
        let latest_tail = self.data.latest_tail;
        let verdict = Verdict::new(latest, settled, &found, latest_tail, Mutant::None);
        self.options.durability != Durability::Fsync && matches!(verdict, Verdict::Unlike(_))
    }

    /// The agent is in: clients may come through the gate.
    pub(in super::super) fn let_in(&self) {
        if let (Some(gate), Some(alive)) = (&self.gate, &self.alive) {
            gate.serve(Some(Behind {
                socket: alive.server.socket().to_owned(),
                id: alive.server.id(),
                login: Login::new(&self.password, &self.options),
                sharded: self.version.at_least(7, 0),
                stamps: alive.server.configuration().rendered.stamps,
            }));
        }
    }

    /// It answers: the agent takes its places, lets others in, and tells what it is. From then on it is obeyed and looked at.
    pub(in super::super) fn move_in(&mut self) {
        let Some(alive) = &mut self.alive else { return };
        let Some(waiting) = alive.waiting.take() else {
            return;
        };
        let (server, inbox) = (alive.server.clone(), self.inbox.clone());
        let (pace, renewal) = (self.pace.clone(), alive.renewal.clone());
        let begins_log = matches!(
            alive.data,
            DataUse::SnapshotFirst | DataUse::DoubtedSnapshot
        );
        let mut sampler = alive.sampler(&self.options);
        let eyes = looking::Eyes {
            sampler: alive.sampler(&self.options),
            trail: server.trail(),
            masterauth: server.masterauth(),
            streams: false,
        };
        let task = spawn_local(async move {
            let pid = server.pid();
            let mut places = Places::of(&server);
            let (loading, seen) = places.take(&server, &mut sampler).await;
            let _ = inbox.send(Notice::Started(pid, seen)).await;
            let looking = looking::look(pid, places.looks, eyes, pace, inbox.clone());
            let guarding = guarding::guard(server.clone(), places.guards, renewal, inbox.clone());
            let obeying = obey(server, places.orders, waiting, inbox);
            let beginning = async {
                if begins_log {
                    begin_append_only(places.first, loading).await;
                }
            };
            tokio::join!(looking, guarding, obeying, beginning);
        });
        alive.tasks.push(task.abort_handle());
    }
}

/// The agent's connections to its redis-server.
struct Places {
    first: Link,
    orders: Link,
    looks: Link,
    guards: Link,
}

impl Places {
    fn of(server: &Server) -> Self {
        let [first, orders, looks, guards] = [(); 4].map(|()| server.link());
        Self {
            first,
            orders,
            looks,
            guards,
        }
    }

    /// Connects all of them and looks, then opens the door. The server answered a moment ago; if it does not now, its death
    /// or its silence is reported elsewhere.
    async fn take(&mut self, server: &Server, sampler: &mut Sampler) -> (bool, ServerInfo) {
        let (begun, mut told) = (Instant::now(), false);
        loop {
            match self.try_take(server, sampler).await {
                Ok(seen) => return seen,
                Err(error) if !told && begun.elapsed() >= LONG => {
                    told = true;
                    tracing::warn!(
                        "redis-server runs, and the agent has not all of its connections: {error}"
                    );
                }
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn try_take(
        &mut self,
        server: &Server,
        sampler: &mut Sampler,
    ) -> Result<(bool, ServerInfo), LinkError> {
        // By a command that is answered whatever state the server is in.
        for link in [&mut self.orders, &mut self.looks, &mut self.guards] {
            link.info().await?;
        }
        let seen = looking::first(&mut self.first, sampler).await?;
        server.open_door(&mut self.first).await?;
        Ok(seen)
    }
}

impl Alive {
    fn sampler(&self, options: &Options) -> Sampler {
        let appends = self.server.configuration().rendered.appends;
        Sampler::new(options.data_dir.clone(), appends)
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
async fn begin_append_only(mut link: Link, mut loading: bool) {
    while loading {
        tokio::time::sleep(Duration::from_millis(50)).await;
        loading = link.info().await.is_ok_and(|info| info.loading);
    }
    if let Err(error) = link.command(&["CONFIG", "SET", "appendonly", "yes"]).await {
        tracing::warn!("begin the append-only file: {error}");
    }
}
