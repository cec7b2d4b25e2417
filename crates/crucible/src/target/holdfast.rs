//! Holdfast: `holdfast up --headless`, read through `cluster.json`.

use crate::target::pod::Recipe;
use crate::target::{Group, GroupSpec, Interposer, process};
use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::process::Child;

/// Time for `up` to stop everything in order before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A group started by `holdfast up`.
#[derive(Debug)]
pub struct HoldfastGroup {
    dir: PathBuf,
    up: Child,
    carries: bool,
    interposer: Option<Interposer>,
}

impl HoldfastGroup {
    /// Starts it and waits for the first `cluster.json`.
    pub async fn start(spec: &GroupSpec) -> Result<Self> {
        let interposer = if spec.interposer {
            Some(Interposer::build(&spec.dir)?)
        } else {
            None
        };
        let dir = spec.dir.join("group");
        fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        fs::write(redis_conf(&dir), "").context("write the operator's redis.conf")?;
        let environment = interposer
            .as_ref()
            .map(Interposer::environment)
            .unwrap_or_default();
        let recipe = Recipe {
            command: up_command(spec, &dir),
            environment,
            log: spec.dir.join("up.log"),
        };
        let mut group = Self {
            up: recipe.spawn()?,
            carries: spec.durability.waits(),
            dir,
            interposer,
        };
        group.wait_for_file(spec).await?;
        Ok(group)
    }

    /// Whether gates stand before its servers.
    pub fn carries(&self) -> bool {
        self.carries
    }

    /// Its processes now.
    pub fn group(&self) -> Result<Group> {
        let path = self.dir.join("cluster.json");
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let mut group: Group = serde_json::from_str(&text)
            .with_context(|| format!("understand {}", path.display()))?;
        for sentinel in &mut group.sentinels {
            sentinel.dir = self.dir.join(&sentinel.name);
        }
        Ok(group)
    }

    /// The operator's redis.conf of all its nodes.
    pub fn redis_conf(&self) -> PathBuf {
        redis_conf(&self.dir)
    }

    /// The process that starts all others, and starts them again.
    pub fn supervisor(&self) -> Option<i32> {
        self.up.id().map(|pid| pid as i32)
    }

    /// Its interposer, if any.
    pub fn interposer(&self) -> Option<&Interposer> {
        self.interposer.as_ref()
    }

    /// Stops it in order, then by force whatever is left.
    pub async fn stop(mut self) -> Result<()> {
        let pids = self.group().map(|group| group.pids()).unwrap_or_default();
        // A frozen process cannot end in order.
        process::send_all(&pids, Signal::SIGCONT);
        if let Some(pid) = self.up.id() {
            process::send(pid as i32, Signal::SIGTERM)?;
        }
        let _ = tokio::time::timeout(STOP_LIMIT, self.up.wait()).await;
        let _ = self.up.kill().await;
        if !process::wait_gone(&pids, Duration::from_millis(500)).await {
            tracing::warn!("`holdfast up` left processes behind: killing them");
            process::send_all(&pids, Signal::SIGKILL);
        }
        Ok(())
    }

    async fn wait_for_file(&mut self, spec: &GroupSpec) -> Result<()> {
        let start = Instant::now();
        while self.group().is_err() {
            if let Some(status) = self.up.try_wait().context("look after `holdfast up`")? {
                bail!(
                    "`holdfast up` ended at once ({status}): see {}",
                    spec.dir.join("up.log").display()
                );
            }
            if start.elapsed() > spec.ready_limit {
                bail!(
                    "`holdfast up` wrote no cluster.json within {:?}",
                    spec.ready_limit
                );
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

/// Beside the group's folder, in which nothing else may be.
fn redis_conf(dir: &std::path::Path) -> PathBuf {
    dir.with_file_name("redis.conf")
}

fn up_command(spec: &GroupSpec, dir: &std::path::Path) -> Vec<String> {
    let mut words = vec![spec.holdfast.display().to_string()];
    words.extend(["up", "--headless", "--handoff-pace-ms", "0", "--dir"].map(str::to_owned));
    words.push(dir.display().to_string());
    words.extend(["--replicas".to_owned(), spec.replicas.to_string()]);
    words.extend(["--sentinels".to_owned(), spec.sentinels.to_string()]);
    words.extend(["--server".to_owned(), spec.server.display().to_string()]);
    words.extend(["--base-port".to_owned(), base_port().to_string()]);
    words.extend(["--group".to_owned(), spec.group.clone()]);
    words.extend([
        "--redis-conf".to_owned(),
        redis_conf(dir).display().to_string(),
    ]);
    words.extend(["--durability".to_owned(), spec.durability.to_string()]);
    if spec.durability.waits() {
        words.extend(["--sync-replicas".to_owned(), spec.sync_replicas.to_string()]);
    }
    words
}

/// Away from the usual ports and from those that the kernel hands out (sentinels sit 20,000 and 21,000 higher). `up` skips what
/// is taken, so two drills at once do not clash.
fn base_port() -> u16 {
    10_000 + (std::process::id() % 1_200) as u16
}
