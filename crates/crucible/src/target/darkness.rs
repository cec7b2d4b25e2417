//! The time in which nothing is started: from a loss of power until its end.

use crate::target::pod::Mains;
use crate::target::process;
use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};
use tokio::sync::OwnedRwLockWriteGuard;

/// A supervisor that was told to stand still does so within this time.
const STILL_LIMIT: Duration = Duration::from_secs(5);

/// Ends when it is dropped: then whoever starts processes goes on.
#[derive(Debug)]
pub enum Darkness {
    /// The frozen supervisor.
    Frozen(i32),
    /// The current that pods need.
    Taken(OwnedRwLockWriteGuard<()>),
}

impl Darkness {
    /// Freezes the process that starts all others.
    pub(super) async fn freeze(supervisor: Option<i32>) -> Result<Self> {
        let pid = supervisor.context("find the supervisor of the group")?;
        process::send(pid, Signal::SIGSTOP)?;
        let dark = Self::Frozen(pid);
        let began = Instant::now();
        while process::state(pid) != Some('T') {
            ensure!(began.elapsed() < STILL_LIMIT, "pid {pid} does not stop");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(dark)
    }

    /// Takes the current from all pods of a group.
    pub(super) async fn take(mains: Mains) -> Self {
        Self::Taken(mains.write_owned().await)
    }

    /// The process that is frozen and stays, if any.
    pub fn frozen(&self) -> Option<i32> {
        match self {
            Self::Frozen(pid) => Some(*pid),
            Self::Taken(_) => None,
        }
    }
}

impl Drop for Darkness {
    fn drop(&mut self) {
        if let Self::Frozen(pid) = self
            && let Err(error) = process::send(*pid, Signal::SIGCONT)
        {
            tracing::warn!("{error:#}");
        }
    }
}
