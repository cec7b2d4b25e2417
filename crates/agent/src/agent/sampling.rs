//! Looks at the data files, away from the agent's own thread: a disk may stand still, the agent may not.

use crate::server::data::files;
use holdfast_core::dataset::Files;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// Looks at the files of one server, once at a time.
pub(super) struct Sampler {
    data_dir: PathBuf,
    appends: bool,
    running: Option<JoinHandle<Option<Files>>>,
}

impl Sampler {
    /// Of the data folder of a server that is to write an append-only file, or not.
    pub(super) fn new(data_dir: PathBuf, appends: bool) -> Self {
        Self {
            data_dir,
            appends,
            running: None,
        }
    }

    /// The files as they are now; none where that takes longer than `within`, or they cannot be read. A look that takes
    /// longer is waited for before the next begins, and what it has found by then is not used.
    pub(super) async fn sample(&mut self, within: Duration) -> Option<Files> {
        if self
            .running
            .take_if(|running| running.is_finished())
            .is_none()
            && self.running.is_some()
        {
            return None;
        }
        let (data_dir, appends) = (self.data_dir.clone(), self.appends);
        let mut running = spawn_blocking(move || files(&data_dir, appends).ok());
        if let Ok(done) = timeout(within, &mut running).await {
            return done.ok().flatten();
        }
        self.running = Some(running);
        None
    }
}
