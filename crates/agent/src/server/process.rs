//! One server process, from its files to its end.

use super::cgroup::{self, OomKills};
use super::config::{self, ConfigError, DataUse, Inputs};
use super::event::{Death, DeathReason, Event};
use super::link::{Info, Link, LinkError};
use super::masterauth::Masterauth;
use super::probe::Probe;
use super::socket::{NAME, Socket};
use super::stat::{Eye, ProcessId};
use super::watch::{Shared, Watch, Watcher};
use super::{Version, log, reaper, spawn};
use crate::Options;
use holdfast_core::wire::Condition;
use nix::unistd::{AccessFlags, access};
use std::io::{self, Write};
use std::net::{TcpListener, ToSocketAddrs};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// What a killed server may take to be seen dead; longer only in uninterruptible sleep.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// A started server. Dropping it kills the process.
#[derive(Debug)]
pub struct Server {
    id: ProcessId,
    socket: Socket,
    password: String,
    masterauth: Masterauth,
    configuration: Configuration,
    log: PathBuf,
    /// Setting and value that let clients and replicas in; none where the gate does.
    listens: Option<[String; 2]>,
    /// The port was closed and is to be opened again.
    shut: AtomicBool,
    shared: Arc<Shared>,
}

/// What a server runs with. Holds secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The text of its file, with warnings.
    pub rendered: config::Rendered,
    /// Contents of the certificate, key and authorities, where it speaks TLS.
    pub certificates: Vec<Vec<u8>>,
}

/// Why a server was not started. Each reads as one line: what, where, what to do. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be made.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The port is in use. After a crash of a large server the kernel may hold it for seconds: try again, with a limit.
    #[error("cannot listen on {listen}: {why}; stop what listens there or choose another port")]
    Port {
        /// Where.
        listen: String,
        /// What the system said.
        why: String,
    },
    /// A file or directory cannot be used.
    #[error("cannot {verb} `{}`: {why}; {advice}", path.display())]
    Path {
        /// What was tried.
        verb: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        why: String,
        /// What to do.
        advice: &'static str,
    },
    /// An empty secret.
    #[error("`{}` holds no password; write one, or leave client_password_file out", path.display())]
    EmptyPassword {
        /// The file.
        path: PathBuf,
    },
}

/// Whether it listens on its port from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Yes.
    Open,
    /// Only on its Unix socket, until [`Server::open_door`]: its agent has its connections then, before clients can take every
    /// place that `maxclients` allows.
    Shut,
}

/// How a server ended that was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// By itself, its data saved as configured.
    Clean,
    /// By SIGKILL; the reason in a sentence.
    Killed(String),
}

impl Server {
    /// Writes the configuration and starts the server, sealed. It answers a few milliseconds later ([`Event::Up`]), and
    /// what goes wrong by then is an [`Event::Died`] that says why.
    ///
    /// Call it inside the runtime, on the thread that lives as long as the agent (see `spawn`).
    pub fn start(
        options: &Options,
        version: &Version,
        password: &str,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, StartError> {
        let data = DataUse::Configured;
        Self::start_with(options, version, password, events, data, Door::Open)
    }

    /// The same, with data on disk that needs another treatment than configured, and perhaps without its port.
    pub fn start_with(
        options: &Options,
        version: &Version,
        password: &str,
        events: mpsc::Sender<Event>,
        data: DataUse,
        door: Door,
    ) -> Result<Self, StartError> {
        prepare_directories(options)?;
        let log = log_path(options);
        let socket = Socket::in_directory(&options.dir, NAME)
            .map_err(|error| failed("open the directory", &options.dir, &error))?;
        let configuration = configure(options, version, password, data, socket.path())?;
        if !options.gated() {
            port_is_free(options)?;
        }
        let conf = options.dir.join("server.conf");
        write_secret(&conf, &configuration.rendered.text)
            .map_err(|error| failed("write", &conf, &error))?;
        log::rotate(&log).map_err(|error| failed("rotate", &log, &error))?;
        let _ = std::fs::remove_file(socket.path());
        let (out, log_from) = log::open(&log).map_err(|error| failed("open", &log, &error))?;
        let oom_before = OomKills::now();
        let server = &version.executable;
        let listens = config::listens(options);
        let closed = listens.clone().filter(|_| door == Door::Shut);
        let child = spawn_server(server, &conf, closed, out)
            .map_err(|error| failed("run", server, &error))?;
        let pid = child.id();
        reaper::own(pid);
        let shared = Shared::new(child);
        let opened = Eye::open(pid).and_then(|eye| Ok((eye, ProcessId::of(pid)?)));
        let (eye, id) = opened
            .inspect_err(|_| shared.kill())
            .map_err(|error| failed("watch", Path::new("/proc"), &error))?;
        let probe = Probe::new(socket.path().to_owned(), pid, password);
        let watcher = Watcher {
            pid,
            shared: shared.clone(),
            eye,
            probe,
            events,
            log: log.clone(),
            log_from,
            oom_before,
            condition: Condition::Well,
        };
        tokio::spawn(watcher.run());
        Ok(Self {
            id,
            socket,
            password: password.to_owned(),
            masterauth: Masterauth::of(options, password),
            configuration,
            log,
            listens,
            shut: AtomicBool::new(false),
            shared,
        })
    }

    /// Refuses writes, disconnects all clients and closes the port, until [`Server::open_door`]: they find no server, as they
    /// do when one restarts, and not one that refuses what they write. Where a gate listens it only refuses writes: the gate
    /// closes its door by itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn shut_out(&self, link: &mut Link) -> Result<Info, LinkError> {
        let Some([key, _]) = &self.listens else {
            link.fence().await?;
            return link.info().await;
        };
        self.shut.store(true, Ordering::Relaxed);
        link.shut_out(key).await
    }

    /// Whether its port is closed for now.
    pub fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Relaxed)
    }

    /// Lets clients and replicas in, where it was started with [`Door::Shut`] or [`Server::shut_out`] them.
    ///
    /// # Errors
    /// When it does not answer. One that cannot listen, because its port was taken meanwhile, is killed: its next start
    /// says so.
    pub async fn open_door(&self, link: &mut Link) -> Result<(), LinkError> {
        let Some([key, port]) = &self.listens else {
            return Ok(());
        };
        let opened = link.command(&["CONFIG", "SET", key, port]).await;
        if let Err(LinkError::Refused { said, .. }) = &opened {
            tracing::warn!("redis-server cannot listen on port {port}: {said}");
            self.kill();
        }
        self.shut.fetch_and(opened.is_err(), Ordering::Relaxed);
        opened.map(drop)
    }

    /// Its process: number and start time.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.id.pid
    }

    /// The Unix socket by which the agent talks to it: a path that this process and its children understand.
    pub fn socket(&self) -> &Path {
        self.socket.path()
    }

    /// What the operator should hear about the configuration, one line each.
    pub fn warnings(&self) -> &[String] {
        &self.configuration.rendered.warnings
    }

    /// What it was started with.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// A new connection to this very process, made when first used. It never talks to a later incarnation.
    pub fn link(&self) -> Link {
        Link::new(
            self.socket().to_owned(),
            self.password.clone(),
            self.masterauth.first().to_owned(),
            self.id.pid,
            self.configuration.rendered.stamps,
            self.configuration.rendered.appends,
        )
    }

    /// What it says in its log from now on.
    pub(crate) fn trail(&self) -> log::Trail {
        log::Trail::of(self.log.clone())
    }

    /// By what it logs in at its primary.
    pub(crate) fn masterauth(&self) -> Masterauth {
        self.masterauth.clone()
    }

    /// Watches it more or less closely; relaxed at the start.
    pub fn set_watch(&self, watch: Watch) {
        self.shared.set(watch);
    }

    /// SIGKILL, at once; works on a stopped process too.
    pub fn kill(&self) {
        self.shared.kill();
    }

    /// How it died, if it has.
    pub fn death(&self) -> Option<Death> {
        self.shared.death.borrow().clone()
    }

    /// Waits for its death.
    pub async fn died(&self) -> Death {
        let mut deaths = self.shared.death.subscribe();
        match deaths.wait_for(Option::is_some).await {
            Ok(death) => death.clone().unwrap_or_else(|| self.unknown_death()),
            Err(_) => self.unknown_death(),
        }
    }

    /// Waits until the kernel has given back its memory and port. Takes seconds after the death of a large server.
    pub async fn released(&self) {
        let _ = self
            .shared
            .released
            .subscribe()
            .wait_for(|released| *released)
            .await;
    }

    /// Ends it in order: `SHUTDOWN`, which saves where save points are set and flushes the append-only file. Where it
    /// refuses (a full disk), `SHUTDOWN NOSAVE` keeps the last snapshot and still flushes. SIGKILL at the deadline.
    pub async fn stop(&self, deadline: Duration) -> Stopped {
        let in_order = async {
            let mut link = self.link().with_patience(deadline);
            let refused = match link.shutdown(true).await {
                Err(LinkError::Refused { said, .. }) => Some(said),
                _ => None,
            };
            if refused.is_some() {
                let _ = link.shutdown(false).await;
            }
            (self.died().await, refused)
        };
        match tokio::time::timeout(deadline, in_order).await {
            Ok((
                Death {
                    reason: DeathReason::Exit(0),
                    ..
                },
                _,
            )) => Stopped::Clean,
            Ok((death, refused)) => Stopped::Killed(refused.unwrap_or_else(|| death.to_string())),
            Err(_) => {
                self.kill();
                let _ = tokio::time::timeout(KILL_PATIENCE, self.died()).await;
                Stopped::Killed(format!("it did not end within {} ms", deadline.as_millis()))
            }
        }
    }

    fn unknown_death(&self) -> Death {
        Death {
            pid: self.id.pid,
            run_id: None,
            reason: DeathReason::Unknown,
            said: None,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The agent's own directory (mode 0700) and the data directory exist and can be written to.
fn prepare_directories(options: &Options) -> Result<(), StartError> {
    for (dir, mode) in [(&options.dir, 0o700), (&options.data_dir, 0o750)] {
        let created = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(dir);
        created.map_err(|error| failed("create the directory", dir, &error))?;
        let allowed = access(
            dir.as_path(),
            AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK,
        );
        allowed.map_err(|errno| failed("write to the directory", dir, &errno.into()))?;
    }
    Ok(())
}

/// Where redis-server writes its log.
pub(crate) fn log_path(options: &Options) -> PathBuf {
    options.dir.join("server.log")
}

/// Reads the operator's files and makes the configuration of a server with this socket.
pub fn configure(
    options: &Options,
    version: &Version,
    password: &str,
    data: DataUse,
    socket: &Path,
) -> Result<Configuration, StartError> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| failed("read", path, &error))
    };
    let redis_conf = options.redis_conf.as_ref().map(read).transpose()?;
    let acl = options.acl_file.as_ref().map(read).transpose()?;
    let client_password = options
        .client_password_file
        .as_ref()
        .map(read)
        .transpose()?;
    let client_password = client_password.as_deref().map(str::trim_end);
    if let (Some(""), Some(path)) = (client_password, &options.client_password_file) {
        return Err(StartError::EmptyPassword { path: path.clone() });
    }
    let given = Some(options.memory_limit_bytes).filter(|limit| *limit > 0);
    let memory_limit = given.or_else(cgroup::memory_limit);
    let rendered = config::render(&Inputs {
        data,
        options,
        version,
        password,
        socket,
        log: &log_path(options),
        memory_limit,
        redis_conf: redis_conf.as_deref(),
        acl: acl.as_deref(),
        client_password,
    })?;
    Ok(Configuration {
        rendered,
        certificates: certificates(options)?,
    })
}

fn certificates(options: &Options) -> Result<Vec<Vec<u8>>, StartError> {
    let files = [
        &options.tls_cert_file,
        &options.tls_key_file,
        &options.tls_ca_file,
    ];
    files
        .into_iter()
        .flatten()
        .map(|path| std::fs::read(path).map_err(|error| failed("read", path, &error)))
        .collect()
}

/// Refuses a taken port before anything is written. A server that takes it in between is told by the log.
fn port_is_free(options: &Options) -> Result<(), StartError> {
    let host = match options.listen.host.as_str() {
        "*" | "::" => "0.0.0.0",
        host => host,
    };
    let addresses = (host, options.listen.port).to_socket_addrs();
    let bound =
        addresses.and_then(|addresses| TcpListener::bind(addresses.collect::<Vec<_>>().as_slice()));
    bound.map(drop).map_err(|error| StartError::Port {
        listen: options.listen.to_string(),
        why: error.to_string(),
    })
}

/// Writes a file that holds secrets: whole or not at all, readable by its owner only.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("conf.new");
    let written = (|| {
        let _ = std::fs::remove_file(&draft);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    })();
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(&draft);
    })
}

fn spawn_server(
    server: &Path,
    conf: &Path,
    closed: Option<[String; 2]>,
    out: std::fs::File,
) -> io::Result<std::process::Child> {
    let mut command = Command::new(server);
    command.arg(std::path::absolute(conf)?);
    // Arguments overrule the file.
    if let Some([key, _]) = closed {
        command.args([format!("--{key}"), "0".to_owned()]);
    }
    command
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out);
    spawn::spawn(&mut command)
}

/// A failed step on a path, with what to do about it.
fn failed(verb: &'static str, path: &Path, error: &io::Error) -> StartError {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space on that disk",
        io::ErrorKind::PermissionDenied => "give this user access to it, or choose another path",
        io::ErrorKind::ReadOnlyFilesystem => "choose a path that can be written to",
        io::ErrorKind::NotFound => "create it, or correct the path",
        _ => "correct that and start again",
    };
    StartError::Path {
        verb,
        path: path.to_owned(),
        why: error.to_string(),
        advice,
    }
}
