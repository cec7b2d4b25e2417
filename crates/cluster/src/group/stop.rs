//! The end of a group: no handoff, since everything stops.
//!
//! Sentinels first, or each stopping node would start an election; then all agents at once.

use super::LocalGroup;
use crate::manifest::Manifest;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

const SENTINELS_END_WITHIN: Duration = Duration::from_secs(2);
const ALL_END_WITHIN: Duration = Duration::from_secs(10);

impl LocalGroup {
    /// Ends every process cleanly within 10 s and kills what is left then. The data stays.
    ///
    /// Returns the names of those that had to be killed.
    pub async fn stop(mut self) -> Vec<String> {
        let begun = Instant::now();
        self.shared.begin_stopping();
        let sentinels = self.manifest().sentinels.len();
        let agents = self
            .supervisors
            .split_off(sentinels.min(self.supervisors.len()));
        let mut sentinels = std::mem::take(&mut self.supervisors);
        self.thaw_all();
        signal_all(sentinel_pids(&self.manifest()), Signal::SIGTERM);
        join_until(&mut sentinels, begun + SENTINELS_END_WITHIN).await;
        signal_all(agent_pids(&self.manifest()), Signal::SIGINT);
        let mut left = [sentinels, agents].into_iter().flatten().collect();
        join_until(&mut left, begun + ALL_END_WITHIN).await;
        let killed = self.kill_all();
        join_until(&mut left, Instant::now() + SENTINELS_END_WITHIN).await;
        self.forget_servers().await;
        killed
    }

    /// Kills every process now, without a clean end.
    pub async fn kill_now(mut self) {
        self.shared.begin_stopping();
        self.kill_all();
        let mut left = std::mem::take(&mut self.supervisors);
        join_until(&mut left, Instant::now() + SENTINELS_END_WITHIN).await;
        self.forget_servers().await;
    }

    /// A frozen process could not even end.
    fn thaw_all(&self) {
        let manifest = self.manifest();
        let servers: Vec<i32> = manifest
            .nodes
            .iter()
            .filter_map(|node| node.server_pid)
            .collect();
        signal_all(
            sentinel_pids(&manifest)
                .chain(agent_pids(&manifest))
                .chain(servers),
            Signal::SIGCONT,
        );
    }

    fn kill_all(&self) -> Vec<String> {
        let manifest = self.manifest();
        signal_all(
            sentinel_pids(&manifest).chain(agent_pids(&manifest)),
            Signal::SIGKILL,
        );
        let sentinels = manifest
            .sentinels
            .iter()
            .filter(|s| s.pid.is_some())
            .map(|s| s.name.clone());
        sentinels
            .chain(
                manifest
                    .nodes
                    .iter()
                    .filter(|n| n.agent_pid.is_some())
                    .map(|n| n.name.clone()),
            )
            .collect()
    }

    /// Waits (briefly) until no redis-server is left, so that cluster.json ends up true.
    async fn forget_servers(&self) {
        let deadline = Instant::now() + SENTINELS_END_WITHIN;
        while Instant::now() < deadline
            && self
                .manifest()
                .nodes
                .iter()
                .any(|node| node.server_pid.is_some())
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.watcher.abort();
    }
}

impl Drop for LocalGroup {
    fn drop(&mut self) {
        self.watcher.abort();
        // Each task owns its child, which is killed with it.
        self.supervisors.iter().for_each(JoinHandle::abort);
    }
}

fn sentinel_pids(manifest: &Manifest) -> impl Iterator<Item = i32> {
    manifest
        .sentinels
        .iter()
        .filter_map(|sentinel| sentinel.pid)
}

fn agent_pids(manifest: &Manifest) -> impl Iterator<Item = i32> {
    manifest.nodes.iter().filter_map(|node| node.agent_pid)
}

fn signal_all(pids: impl IntoIterator<Item = i32>, signal: Signal) {
    for pid in pids {
        // One that ended by itself meanwhile is what we want.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

async fn join_until(tasks: &mut Vec<JoinHandle<()>>, deadline: Instant) {
    for task in tasks.iter_mut() {
        let _ = timeout_at(deadline, task).await;
    }
    tasks.retain(|task| !task.is_finished());
}
