//! redis-server is started, with its watchdog, and looked at.

use super::obeying::obey;
use super::{Alive, Hands};
use crate::agent::sampling::Sampler;
use crate::agent::{Notice, guarding, leftover, looking};
use crate::gate::Behind;
use crate::options::Options;
use crate::server::config::DataUse;
use crate::server::data::{
    DataState, folder, inspect, is_bare, is_only_snapshot, is_unfinished, noted_tail, unreadable,
};
use crate::server::{Link, Login, Renewal, Server, StartError, Watchdog, WatchdogCommand};
use holdfast_core::agent::DataAtStart;
use holdfast_core::dataset::{DataFolder, Found, Noted, Verdict};
use holdfast_core::mutant::Mutant;
use holdfast_core::record::Durability;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::spawn_local;

/// Operations that may wait; the core has one under way at a time.
const WAITING_MAX: usize = 4;

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
            let refusal = folder.refusal(
                appends,
                self.latest.as_deref().or(self.noted.as_ref()),
                Mutant::None,
            );
            refusal.map_or(Ok(()), |why| Err(Error::Refused(why)))?;
        }
        let server = Server::start_with(
            &self.options,
            &self.version,
            &self.password,
            self.events.clone(),
            data_use,
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
                login: Login::new(&self.password, &self.options),
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
            data: data_use,
            watchdog,
            orders,
            tasks: vec![obeying.abort_handle()],
        });
        Ok(())
    }

    /// Refuses to start a redis-server that could not read what it would have to: it would end at once, or worse, begin
    /// without it.
    fn read_first(&self, data: DataUse) -> Result<(), Error> {
        let as_configured = matches!(data, DataUse::Configured | DataUse::Doubted);
        let append_only = as_configured && wants_append_only(&self.options);
        let found = unreadable(&self.options.data_dir, append_only, &self.version.named());
        found.map_or(Ok(()), |found| Err(Error::Refused(found.to_string())))
    }

    /// What lies in the data folder. One that cannot be read is not started on.
    fn look_at_folder(&self) -> Result<DataFolder, Error> {
        let (dir, in_folder) = (&self.options.data_dir, self.version.at_least(7, 0));
        folder(dir, wants_append_only(&self.options), in_folder)
            .map_err(|error| Error::Refused(format!("cannot read {}: {error}", dir.display())))
    }

    fn look_at_data(&self, folder: &DataFolder) -> DataAtStart {
        let state = inspect(&self.options.data_dir);
        let empty = state == DataState::Empty;
        // A member whose data set is there and holds no key has lost nothing.
        let blank = empty && (is_bare(&self.options.data_dir) || !self.member);
        DataAtStart {
            blank,
            foreign: !empty && !self.member && !self.options.adopt,
            unfinished: is_unfinished(&self.options.data_dir),
            files: folder.files.clone(),
            noted_tail: self.tail_of(self.noted.as_ref()),
            latest_tail: self.tail_of(self.latest.as_deref()),
        }
    }

    fn tail_of(&self, note: Option<&Noted>) -> Option<u64> {
        note.and_then(|note| noted_tail(&self.options.data_dir, note))
    }

    fn data_use(&self, folder: &DataFolder) -> DataUse {
        let noted = self.latest.as_deref().or(self.noted.as_ref());
        let only_snapshot =
            folder.begins_with_snapshot(noted) || is_only_snapshot(&self.options.data_dir);
        match self.data {
            DataAtStart { foreign: true, .. } => DataUse::Untouched,
            _ if only_snapshot && wants_append_only(&self.options) => DataUse::SnapshotFirst,
            _ if self.is_doubted() => DataUse::Doubted,
            _ => DataUse::Configured,
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

    /// It answers: tell what it is, once.
    pub(in super::super) fn look_first(&mut self) {
        let Some(alive) = &mut self.alive else { return };
        let (pid, mut link, inbox) = (alive.server.pid(), alive.server.link(), self.inbox.clone());
        let begin_log = alive.data == DataUse::SnapshotFirst;
        let mut sampler = alive.sampler(&self.options);
        let task = spawn_local(async move {
            // It answered a moment ago; if it does not now, its death or its silence is reported elsewhere.
            loop {
                if let Some((loading, seen)) = looking::first(&mut link, &mut sampler).await {
                    let _ = inbox.send(Notice::Started(pid, seen)).await;
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
    pub(in super::super) fn begin_looking(&mut self) {
        let Some(alive) = &mut self.alive else { return };
        let (pid, link) = (alive.server.pid(), alive.server.link());
        let looking = looking::look(
            pid,
            link,
            looking::Eyes {
                sampler: alive.sampler(&self.options),
                trail: alive.server.trail(),
                masterauth: alive.server.masterauth(),
                streams: false,
            },
            self.every.clone(),
            self.waker.clone(),
            self.inbox.clone(),
        );
        alive.tasks.push(spawn_local(looking).abort_handle());
        let link = alive.server.link();
        let guarding = guarding::guard(pid, link, alive.renewal.clone(), self.inbox.clone());
        alive.tasks.push(spawn_local(guarding).abort_handle());
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
async fn begin_append_only(link: &mut Link, mut loading: bool) {
    while loading {
        tokio::time::sleep(Duration::from_millis(50)).await;
        loading = link.info().await.is_ok_and(|info| info.loading);
    }
    if let Err(error) = link.command(&["CONFIG", "SET", "appendonly", "yes"]).await {
        tracing::warn!("begin the append-only file: {error}");
    }
}
