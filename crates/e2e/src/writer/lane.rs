//! One client: writes one key after the other, and finds the primary again when something goes wrong.

use super::Place;
use crate::client::Access;
use anyhow::Context as _;
use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// Between two writes, and between two tries.
const PACE: Duration = Duration::from_millis(5);
/// How many sentinels that were named are remembered.
const NAMED: usize = 8;
/// How many errors are kept as text.
const REMEMBERED: usize = 20;

/// What one client needs to begin.
pub(super) struct Lane {
    pub(super) prefix: String,
    pub(super) group: String,
    pub(super) access: Access,
    /// Their Service first.
    pub(super) sentinels: Vec<String>,
    pub(super) place: Place,
    pub(super) stop: Arc<AtomicBool>,
    /// Counts clients that have had their first acknowledgement.
    pub(super) begun: Arc<AtomicU64>,
}

/// What one client saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// Number of a write and when its acknowledgement came.
    pub(crate) acknowledged: Vec<(u64, Instant)>,
    /// When tries failed.
    pub(crate) failed: Vec<Instant>,
    /// The first errors, in words.
    pub(crate) errors: Vec<String>,
    /// When the client stopped.
    pub(crate) end: Option<Instant>,
}

impl Lane {
    pub(super) fn start(mut self) -> JoinHandle<Log> {
        std::thread::spawn(move || {
            let mut log = Log::default();
            match self.enter() {
                Ok(()) => self.write(&mut log),
                Err(error) => log.errors.push(format!("{error:#}")),
            }
            log.end = Some(Instant::now());
            log
        })
    }

    /// Only this thread changes its network.
    fn enter(&self) -> anyhow::Result<()> {
        if let Some(network) = &self.place.network {
            let file =
                File::open(network).with_context(|| format!("opening {}", network.display()))?;
            setns(file, CloneFlags::CLONE_NEWNET)
                .context("entering the node's network; this needs root")?;
        }
        Ok(())
    }

    fn write(&mut self, log: &mut Log) {
        let mut connection = None;
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            match self.one(&mut connection, number) {
                Ok(()) => {
                    log.acknowledged.push((number, Instant::now()));
                    if log.acknowledged.len() == 1 {
                        self.begun.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Err(error) => {
                    // What became of this write nobody knows; its number is not used again.
                    connection = None;
                    log.failed.push(Instant::now());
                    if log.errors.len() < REMEMBERED {
                        log.errors.push(format!("{error:#}"));
                    }
                }
            }
            number += 1;
            sleep(PACE);
        }
    }

    fn one(
        &mut self,
        connection: &mut Option<redis::Connection>,
        number: u64,
    ) -> anyhow::Result<()> {
        let open = match connection.take() {
            Some(open) => open,
            None => {
                let primary = self.primary()?;
                self.access.connect(&primary)?
            }
        };
        let open = connection.insert(open);
        let key = format!("{}:{number}", self.prefix);
        redis::cmd("SET")
            .arg(key)
            .arg(number)
            .query::<()>(open)
            .context("SET")
    }

    /// As a Sentinel client in a cluster does: asks the sentinels' Service, and where that leads nowhere those that were
    /// named with the last answer.
    fn primary(&mut self) -> anyhow::Result<String> {
        if let Some(fixed) = &self.place.fixed {
            return Ok(fixed.clone());
        }
        let mut last = None;
        for sentinel in self.sentinels.clone() {
            match self.access.ask_sentinel(&sentinel, &self.group) {
                Ok((primary, others)) => {
                    self.sentinels.truncate(1);
                    self.sentinels.extend(others.into_iter().take(NAMED));
                    return Ok(primary);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no sentinel is known")?)
    }
}
