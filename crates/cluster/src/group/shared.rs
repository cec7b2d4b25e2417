//! What the tasks of one group share: the manifest, the events, and whether it is stopping.

use crate::event::Event;
use crate::manifest::Manifest;
use crate::process::{ProcessSpec, Role, Target, TargetKind};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// Events kept for a reader that is slow.
const EVENTS_KEPT: usize = 256;

#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    path: PathBuf,
    pub(crate) restart: bool,
    events: broadcast::Sender<Event>,
    stopping: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    manifest: Manifest,
    /// The file could not be written and does not say what `manifest` says.
    stale: bool,
}

impl Shared {
    pub(crate) fn new(manifest: Manifest, path: PathBuf, restart: bool) -> Self {
        let state = Mutex::new(State {
            manifest,
            stale: false,
        });
        Self {
            state,
            path,
            restart,
            events: broadcast::Sender::new(EVENTS_KEPT),
            stopping: watch::Sender::new(false),
        }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Tells whoever listens; nobody listening is fine.
    pub(crate) fn tell(&self, event: Event) {
        tracing::debug!("{event}");
        let _ = self.events.send(event);
    }

    pub(crate) fn manifest(&self) -> Manifest {
        self.lock().manifest.clone()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    pub(crate) fn begin_stopping(&self) {
        self.stopping.send_replace(true);
    }

    pub(crate) async fn sleep_unless_stopping(&self, delay: Duration) {
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = tokio::time::sleep(delay) => {}
        }
    }

    pub(crate) fn set_pid(&self, process: &ProcessSpec, pid: Option<i32>) {
        self.change(|manifest| match process.role {
            Role::Sentinel => {
                manifest
                    .sentinels
                    .iter_mut()
                    .filter(|entry| entry.name == process.name)
                    .for_each(|entry| entry.pid = pid);
            }
            Role::Agent => {
                manifest
                    .nodes
                    .iter_mut()
                    .filter(|entry| entry.name == process.name)
                    .for_each(|entry| entry.agent_pid = pid);
            }
        });
    }

    /// Takes over what the agents say of their servers; true while one lives on without its agent.
    pub(crate) fn refresh_servers(&self, read: impl Fn(usize) -> Option<i32>) -> bool {
        let before = self.manifest();
        let found: Vec<Option<i32>> = (0..before.nodes.len()).map(read).collect();
        self.change(|manifest| {
            manifest
                .nodes
                .iter_mut()
                .zip(&found)
                .for_each(|(node, pid)| node.server_pid = *pid);
        });
        for (node, pid) in before
            .nodes
            .iter()
            .zip(&found)
            .filter(|(node, pid)| node.server_pid != **pid)
        {
            self.tell(Event::Server {
                name: node.name.clone(),
                pid: *pid,
            });
        }
        before
            .nodes
            .iter()
            .zip(&found)
            .any(|(node, pid)| node.agent_pid.is_none() && pid.is_some())
    }

    pub(crate) fn pid_of(&self, target: &Target) -> Option<i32> {
        let state = self.lock();
        let node = || {
            state
                .manifest
                .nodes
                .iter()
                .find(|node| node.name == target.name)
        };
        match target.kind {
            TargetKind::Sentinel => {
                state
                    .manifest
                    .sentinels
                    .iter()
                    .find(|s| s.name == target.name)?
                    .pid
            }
            TargetKind::Agent => node()?.agent_pid,
            TargetKind::Server => node()?.server_pid,
        }
    }

    /// Tries again to write what a full disk refused.
    pub(crate) fn write_if_stale(&self) {
        let mut state = self.lock();
        if state.stale {
            self.write(&mut state);
        }
    }

    fn change(&self, edit: impl FnOnce(&mut Manifest)) {
        let mut state = self.lock();
        let before = state.manifest.clone();
        edit(&mut state.manifest);
        if state.manifest != before {
            self.write(&mut state);
        }
    }

    fn write(&self, state: &mut State) {
        let was_stale = state.stale;
        let written = state.manifest.write(&self.path);
        state.stale = written.is_err();
        if let (Err(error), false) = (written, was_stale) {
            self.tell(Event::Trouble(format!(
                "{error:#}; trying again every second"
            )));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave the manifest half-changed in a way that matters here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
