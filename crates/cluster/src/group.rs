//! The running group: its processes, what they are told, and how they end.

mod shared;
mod stop;

pub(crate) use shared::Shared;

use crate::client::SentinelClient;
use crate::config::{self, SECRET_FILE};
use crate::error::StartError;
use crate::event::Event;
use crate::lock::{DirLock, LOCK_FILE};
use crate::manifest::{Manifest, NodeEntry, SentinelEntry};
use crate::plan::{PLAN_FILE, Plan};
use crate::ports::Ports;
use crate::preflight::{check_server_config, find_server};
use crate::process::{ProcessSpec, Role, Target, TargetKind};
use crate::secret::ensure_secret;
use crate::spec::Spec;
use crate::{server_pid, supervisor};
use anyhow::Context as _;
use holdfast_agent::server::Version;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

/// A group of real processes. Dropping it kills them; [`LocalGroup::stop`] ends them cleanly.
#[derive(Debug)]
pub struct LocalGroup {
    dir: PathBuf,
    server: Version,
    warnings: Vec<String>,
    password: Option<String>,
    shared: Arc<Shared>,
    supervisors: Vec<JoinHandle<()>>,
    watcher: JoinHandle<()>,
    _ports: Ports,
    _lock: DirLock,
}

impl LocalGroup {
    /// Starts (or resumes) the group that `spec` describes and returns once every process is on its way.
    ///
    /// Must be called on a thread that lives as long as the group does: children die with it.
    ///
    /// # Errors
    /// [`StartError::BadInput`] when what is asked for cannot be; nothing was changed then.
    pub async fn start(spec: &Spec) -> Result<Self, StartError> {
        spec.check()?;
        let server = find_server(spec).await?;
        let dir = std::path::absolute(&spec.dir).context("cannot tell the current folder")?;
        Plan::load(&dir)?;
        let fresh = !dir.exists();
        let prepared = prepare(spec, &dir, &server);
        if prepared.is_err() && fresh {
            undo(&dir);
        }
        Ok(Self::launch(spec, dir, server, prepared?))
    }

    fn launch(spec: &Spec, dir: PathBuf, server: Version, prepared: Prepared) -> Self {
        let Prepared {
            plan,
            warnings,
            password,
            ports,
            lock,
        } = prepared;
        let shared = Arc::new(Shared::new(
            manifest(&plan, &dir),
            dir.join(crate::MANIFEST_FILE),
            spec.restart,
        ));
        let processes = processes(&plan, spec, &dir);
        let logs = processes
            .iter()
            .map(|process| process.log.clone())
            .collect();
        let node_dirs: Vec<PathBuf> = plan.nodes.iter().map(|node| dir.join(&node.name)).collect();
        for dir in &node_dirs {
            server_pid::forget(dir);
        }
        let watcher = tokio::spawn(server_pid::watch(node_dirs, logs, Arc::clone(&shared)));
        let supervise = |process| tokio::spawn(supervisor::supervise(process, Arc::clone(&shared)));
        let supervisors = processes.into_iter().map(supervise).collect();
        Self {
            dir,
            server,
            warnings,
            password,
            shared,
            supervisors,
            watcher,
            _ports: ports,
            _lock: lock,
        }
    }

    /// What the user should hear before anything else, one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The group's folder, as an absolute path.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The redis-server that the nodes run.
    pub fn server(&self) -> &Version {
        &self.server
    }

    /// What runs now: the content of cluster.json.
    pub fn manifest(&self) -> Manifest {
        self.shared.manifest()
    }

    /// What happens from now on. A reader that falls more than 256 events behind misses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.subscribe()
    }

    /// Asks this group's sentinels.
    pub fn client(&self) -> SentinelClient {
        let manifest = self.manifest();
        let addresses = manifest
            .sentinels
            .into_iter()
            .map(|sentinel| sentinel.address)
            .collect();
        SentinelClient::new(addresses, Some(manifest.group)).with_password(self.password.clone())
    }

    /// SIGKILLs the process.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill(&self, target: &Target) -> anyhow::Result<()> {
        self.signal(target, Signal::SIGKILL)
    }

    /// SIGSTOPs the process: it hangs.
    ///
    /// # Errors
    /// When it is not running.
    pub fn freeze(&self, target: &Target) -> anyhow::Result<()> {
        self.signal(target, Signal::SIGSTOP)
    }

    /// SIGCONTs the process.
    ///
    /// # Errors
    /// When it is not running.
    pub fn thaw(&self, target: &Target) -> anyhow::Result<()> {
        self.signal(target, Signal::SIGCONT)
    }

    /// Ends the process with SIGTERM, a frozen one too; it is started again as after any death.
    ///
    /// # Errors
    /// When it is not running.
    pub fn restart(&self, target: &Target) -> anyhow::Result<()> {
        self.signal(target, Signal::SIGTERM)?;
        // It may be gone by now.
        self.thaw(target).or(Ok(()))
    }

    fn signal(&self, target: &Target, signal: Signal) -> anyhow::Result<()> {
        let pid = self
            .shared
            .pid_of(target)
            .with_context(|| format!("{target} is not running"))?;
        kill(Pid::from_raw(pid), signal)
            .with_context(|| format!("cannot send {signal} to {target} (pid {pid})"))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            TargetKind::Sentinel => write!(f, "{}", self.name),
            TargetKind::Agent => write!(f, "the agent of {}", self.name),
            TargetKind::Server => write!(f, "the redis-server of {}", self.name),
        }
    }
}

/// What a start needs once everything that can be refused has not been.
struct Prepared {
    plan: Plan,
    warnings: Vec<String>,
    password: Option<String>,
    ports: Ports,
    lock: DirLock,
}

fn prepare(spec: &Spec, dir: &Path, server: &Version) -> Result<Prepared, StartError> {
    make_dir(dir)?;
    let lock = DirLock::take(dir)?;
    // Again under the lock: another `up` may have begun in between.
    let previous = Plan::load(dir)?;
    let mut ports = Ports::default();
    let plan = Plan::fit(spec, previous, &mut ports)?;
    let mut warnings = check_server_config(&plan, spec, dir, server)?;
    if plan.nodes.len() == 1 {
        warnings.push(
            "no replicas: nothing can fail over; the loss of the one node stops the group"
                .to_owned(),
        );
    }
    write_files(&plan, spec, dir, &server.executable)?;
    Ok(Prepared {
        plan,
        warnings,
        password: spec.sentinel_password()?,
        ports,
        lock,
    })
}

fn write_files(plan: &Plan, spec: &Spec, dir: &Path, server: &Path) -> anyhow::Result<()> {
    plan.save(dir)?;
    ensure_secret(&dir.join(SECRET_FILE))?;
    for name in names(plan) {
        make_dir(&dir.join(name))?;
    }
    for node in &plan.nodes {
        make_dir(&config::data_dir(dir, &node.name))?;
    }
    config::write_all(plan, spec, dir, server)?;
    manifest(plan, dir).write(&dir.join(crate::MANIFEST_FILE))
}

fn names(plan: &Plan) -> impl Iterator<Item = &str> {
    let sentinels = plan.sentinels.iter().map(|sentinel| sentinel.name.as_str());
    sentinels.chain(plan.nodes.iter().map(|node| node.name.as_str()))
}

fn make_dir(dir: &Path) -> anyhow::Result<()> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir);
    made.map_err(|error| {
        anyhow::anyhow!(
            "cannot make the folder {}: {error}; choose another --dir",
            dir.display()
        )
    })
}

/// Takes back what a start that failed half-way made in a folder that did not exist before it.
fn undo(dir: &Path) {
    for file in [PLAN_FILE, SECRET_FILE, LOCK_FILE, crate::MANIFEST_FILE] {
        let _ = fs::remove_file(dir.join(file));
    }
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        for file in ["sentinel.yaml", "agent.yaml"] {
            let _ = fs::remove_file(entry.path().join(file));
        }
        // Only empty folders go this way.
        let _ = fs::remove_dir(entry.path().join("data"));
        let _ = fs::remove_dir(entry.path());
    }
    let _ = fs::remove_dir(dir);
}

fn processes(plan: &Plan, spec: &Spec, dir: &Path) -> Vec<ProcessSpec> {
    let one = |name: &str, role: Role| ProcessSpec {
        name: name.to_owned(),
        role,
        binary: spec.binary.clone(),
        config: config::path(dir, name, role),
        log: dir.join(name).join(format!("{}.log", role.subcommand())),
    };
    let sentinels = plan
        .sentinels
        .iter()
        .map(|sentinel| one(&sentinel.name, Role::Sentinel));
    sentinels
        .chain(plan.nodes.iter().map(|node| one(&node.name, Role::Agent)))
        .collect()
}

fn manifest(plan: &Plan, dir: &Path) -> Manifest {
    let sentinel = |s: &crate::plan::PlannedSentinel| SentinelEntry {
        name: s.name.clone(),
        pid: None,
        address: s.clients.clone(),
    };
    let node = |n: &crate::plan::PlannedNode| NodeEntry {
        name: n.name.clone(),
        agent_pid: None,
        server_pid: None,
        address: n.listen.clone(),
        data_dir: config::data_dir(dir, &n.name),
    };
    Manifest {
        group: plan.group.to_string(),
        sentinels: plan.sentinels.iter().map(sentinel).collect(),
        nodes: plan.nodes.iter().map(node).collect(),
    }
}
