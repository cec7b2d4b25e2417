//! A thread with a runtime of its own, optionally inside a network namespace: clients on one lane do not
//! slow down the measurement on another.

use anyhow::{Context, Result, anyhow};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Tells clients to end after the operation at hand.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks to stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A running lane that will yield a `T`.
#[derive(Debug)]
pub struct Lane<T> {
    thread: JoinHandle<Result<T>>,
}

impl<T: Send + 'static> Lane<T> {
    /// Runs the future made by `make` on a new thread, in `namespace` if given.
    pub fn start<F, Fut>(namespace: Option<String>, make: F) -> Result<Self>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = T>,
    {
        let body = move || {
            if let Some(name) = namespace {
                enter(&name)?;
            }
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            Ok(runtime.context("make a runtime")?.block_on(make()))
        };
        let thread = std::thread::Builder::new()
            .name("crucible-lane".to_owned())
            .spawn(body);
        Ok(Self {
            thread: thread.context("start a client thread")?,
        })
    }

    /// Waits for its end.
    pub async fn join(self) -> Result<T> {
        while !self.thread.is_finished() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        self.thread
            .join()
            .map_err(|_| anyhow!("a client thread panicked"))?
    }
}

/// Moves this thread into the network namespace `name`: sockets opened from now on belong to it.
fn enter(name: &str) -> Result<()> {
    let path = Path::new("/run/netns").join(name);
    let file = std::fs::File::open(&path).with_context(|| format!("open {}", path.display()))?;
    nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET)
        .context("enter the network namespace")
}
