//! A process that is started again when it dies, as a pod's container would be.

use crate::target::process;
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::RwLock;

/// How a process is started; the same every time.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Extra environment.
    pub environment: Vec<(String, String)>,
    /// Where its output goes (appended).
    pub log: PathBuf,
}

impl Recipe {
    /// Starts it once. It dies with this thread's end (`setpriv --pdeathsig`, where installed) and when dropped.
    pub fn spawn(&self) -> Result<Child> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log);
        let log = log.with_context(|| format!("open the log {}", self.log.display()))?;
        let mut words = vec![];
        if std::path::Path::new("/usr/bin/setpriv").exists() {
            words.extend(["/usr/bin/setpriv", "--pdeathsig", "KILL"].map(str::to_owned));
        }
        words.extend(self.command.iter().cloned());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log)
            .kill_on_drop(true);
        command
            .spawn()
            .with_context(|| format!("start {}", words.join(" ")))
    }
}

/// The current that pods are started by: nothing is started while somebody holds it for writing.
pub type Mains = Arc<RwLock<()>>;

/// A supervised process.
#[derive(Debug)]
pub struct Pod {
    pid: Arc<AtomicI32>,
    stopping: Arc<AtomicBool>,
    keeper: tokio::task::JoinHandle<()>,
}

impl Pod {
    /// Starts `recipe` and starts it again `restart_delay_ms` after every death, as long as there are `mains`, until [`Pod::stop`].
    pub fn start(recipe: Recipe, restart_delay_ms: Arc<AtomicU64>, mains: Mains) -> Result<Self> {
        let child = recipe.spawn()?;
        let pid = Arc::new(AtomicI32::new(pid_of(&child)));
        let stopping = Arc::new(AtomicBool::new(false));
        let keeper = tokio::spawn(keep(
            recipe,
            child,
            pid.clone(),
            stopping.clone(),
            restart_delay_ms,
            mains,
        ));
        Ok(Self {
            pid,
            stopping,
            keeper,
        })
    }

    /// The pid now, `None` while it is down.
    pub fn pid(&self) -> Option<i32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid > 0)
    }

    /// Kills the process and starts it no more.
    pub async fn stop(self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(pid) = self.pid() {
            let _ = process::send(pid, Signal::SIGKILL);
        }
        self.keeper.abort();
        let _ = self.keeper.await;
    }
}

fn pid_of(child: &Child) -> i32 {
    child.id().map_or(0, |pid| pid as i32)
}

async fn keep(
    recipe: Recipe,
    mut child: Child,
    pid: Arc<AtomicI32>,
    stopping: Arc<AtomicBool>,
    delay_ms: Arc<AtomicU64>,
    mains: Mains,
) {
    while !stopping.load(Ordering::Relaxed) {
        let _ = child.wait().await;
        pid.store(0, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(delay_ms.load(Ordering::Relaxed))).await;
        // Until its pid is known: whoever cuts the power must find it.
        let current = mains.read().await;
        if stopping.load(Ordering::Relaxed) {
            return;
        }
        match recipe.spawn() {
            Ok(started) => child = started,
            // Try again after the delay; a program that vanished is reported once per attempt.
            Err(error) => {
                tracing::warn!("{error:#}");
                drop(current);
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        }
        pid.store(pid_of(&child), Ordering::Relaxed);
        drop(current);
    }
}
