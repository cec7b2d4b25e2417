//! One child process: a sentinel or an agent.

use anyhow::Context as _;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Largest log of a process before it is moved to `<log>.1`, in bytes.
const LARGEST_LOG: u64 = 16 * 1024 * 1024;

/// What kind of process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Sentinel,
    Agent,
}

impl Role {
    pub(crate) fn subcommand(self) -> &'static str {
        match self {
            Self::Sentinel => "sentinel",
            Self::Agent => "agent",
        }
    }
}

/// A process of the group that a person or a drill may act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which process of it.
    pub kind: TargetKind,
    /// Name of the sentinel or node.
    pub name: String,
}

/// Which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// A sentinel.
    Sentinel,
    /// The agent of a node.
    Agent,
    /// The redis-server of a node.
    Server,
}

/// How to start one process.
#[derive(Clone, Debug)]
pub(crate) struct ProcessSpec {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) binary: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) log: PathBuf,
}

impl ProcessSpec {
    /// Starts it in a process group of its own, so that Ctrl-C reaches `up` alone, and tied to our life.
    pub(crate) fn spawn(&self) -> anyhow::Result<Child> {
        bound_log(&self.log);
        let log = self.open_log()?;
        let mut command = Command::new(&self.binary);
        command
            .arg(self.role.subcommand())
            .arg("--config")
            .arg(&self.config);
        command
            .arg("--die-with-parent")
            .arg(std::process::id().to_string());
        for name in foreign_settings() {
            command.env_remove(name);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot share the log")?)
            .stderr(log);
        command.process_group(0).kill_on_drop(true);
        command
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))
    }

    fn open_log(&self) -> anyhow::Result<File> {
        let opened = OpenOptions::new().create(true).append(true).open(&self.log);
        opened.with_context(|| format!("cannot write {}", self.log.display()))
    }

    /// The last line that it logged, shortened.
    pub(crate) fn last_words(&self) -> Option<String> {
        let mut file = File::open(&self.log).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))
            .ok()?;
        let mut tail = Vec::new();
        file.take(4096).read_to_end(&mut tail).ok()?;
        let text = String::from_utf8_lossy(&tail);
        let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
        Some(line.trim().chars().take(300).collect())
    }
}

/// Settings of `up` itself, which must not overrule the file that each process is given.
fn foreign_settings() -> impl Iterator<Item = OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("HOLDFAST_") && !name.starts_with("HOLDFAST_LOG")
    })
}

/// Moves a log that grew too large aside. Its writer appends, so that cutting it is safe while it runs.
pub(crate) fn bound_log(log: &Path) {
    if std::fs::metadata(log).is_ok_and(|file| file.len() > LARGEST_LOG) {
        let moved = std::fs::copy(log, log.with_extension("log.1"));
        let cut = OpenOptions::new()
            .write(true)
            .open(log)
            .and_then(|file| file.set_len(0));
        if let Err(error) = moved.map(|_| ()).and(cut) {
            tracing::warn!(log = %log.display(), %error, "cannot move a large log aside");
        }
    }
}
