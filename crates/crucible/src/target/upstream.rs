//! Stock redis-server and redis-sentinel, as a careful person would run them: append-only file on, three sentinels, quorum of
//! a majority. A dead process is started again with the configuration that it last wrote, as a pod would be.

use crate::target::member::Member;
use crate::target::pod::{Mains, Pod, Recipe};
use crate::target::{Durability, Group, GroupSpec, Interposer, Network, NodeProcess, ports};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A stock group.
#[derive(Debug)]
pub struct UpstreamGroup {
    group: String,
    nodes: Vec<Member>,
    sentinels: Vec<Member>,
    network: Option<Network>,
    interposer: Option<Interposer>,
    restart_delay_ms: Arc<AtomicU64>,
    mains: Mains,
}

impl UpstreamGroup {
    /// Starts the servers, the first as master, and the sentinels.
    pub fn start(spec: &GroupSpec) -> Result<Self> {
        let mut group = Self {
            group: spec.group.clone(),
            nodes: vec![],
            sentinels: vec![],
            network: if spec.network {
                Some(Network::create(spec.replicas + 1, spec.sentinels)?)
            } else {
                None
            },
            interposer: if spec.interposer {
                Some(Interposer::build(&spec.dir)?)
            } else {
                None
            },
            restart_delay_ms: Arc::new(AtomicU64::new(spec.restart_delay_ms)),
            mains: Mains::default(),
        };
        let ports = ports::free(spec.replicas + 1 + spec.sentinels)?;
        let (node_ports, sentinel_ports) = ports.split_at(spec.replicas + 1);
        for (index, port) in node_ports.iter().enumerate() {
            let node = group.start_node(spec, index, *port)?;
            group.nodes.push(node);
        }
        for (index, port) in sentinel_ports.iter().enumerate() {
            let sentinel = group.start_sentinel(spec, index, *port)?;
            group.sentinels.push(sentinel);
        }
        Ok(group)
    }

    /// Its processes now.
    pub fn group(&self) -> Group {
        let node = |member: &Member| NodeProcess {
            name: member.name.clone(),
            agent_pid: None,
            server_pid: member.pod.pid(),
            address: member.address.clone(),
            data_dir: member.dir.clone(),
        };
        Group {
            group: self.group.clone(),
            sentinels: self.sentinels.iter().map(Member::sentinel).collect(),
            nodes: self.nodes.iter().map(node).collect(),
        }
    }

    /// What its processes are started by.
    pub fn mains(&self) -> &Mains {
        &self.mains
    }

    /// Its own network, if any.
    pub fn network(&self) -> Option<&Network> {
        self.network.as_ref()
    }

    /// Its interposer, if any.
    pub fn interposer(&self) -> Option<&Interposer> {
        self.interposer.as_ref()
    }

    /// Sets how long a dead process stays dead.
    pub fn set_restart_delay_ms(&self, delay_ms: u64) {
        self.restart_delay_ms.store(delay_ms, Ordering::Relaxed);
    }

    /// Kills everything.
    pub async fn stop(self) -> Result<()> {
        for member in self.sentinels.into_iter().chain(self.nodes) {
            member.pod.stop().await;
        }
        Ok(())
    }

    fn start_node(&self, spec: &GroupSpec, index: usize, port: u16) -> Result<Member> {
        let place = self.network.as_ref().map(|network| network.node(index));
        let host = place
            .as_ref()
            .map_or("127.0.0.1", |place| &place.ip)
            .to_owned();
        let dir = member_dir(&spec.dir, &format!("redis-{index}"))?;
        let mut lines = server_lines(&host, port, &dir, spec.durability);
        if let Some(master) = self.nodes.first() {
            lines.push(format!("replicaof {}", master.address.replace(':', " ")));
        }
        let config = write_config(&dir, "redis.conf", &lines)?;
        let command = vec![spec.server.display().to_string(), config];
        let namespace = place.map(|place| place.namespace);
        let pod = self.start_pod(namespace.as_deref(), command, &dir)?;
        Ok(Member {
            name: format!("redis-{index}"),
            address: format!("{host}:{port}"),
            dir,
            pod,
        })
    }

    fn start_sentinel(&self, spec: &GroupSpec, index: usize, port: u16) -> Result<Member> {
        let place = self.network.as_ref().map(|network| network.sentinel(index));
        let host = place
            .as_ref()
            .map_or("127.0.0.1", |place| &place.ip)
            .to_owned();
        let dir = member_dir(&spec.dir, &format!("sentinel-{index}"))?;
        let master = self
            .nodes
            .first()
            .map(|node| node.address.replace(':', " "))
            .unwrap_or_default();
        let lines = sentinel_lines(spec, &host, port, &dir, &master);
        let config = write_config(&dir, "sentinel.conf", &lines)?;
        let command = vec![
            spec.server.display().to_string(),
            config,
            "--sentinel".to_owned(),
        ];
        let namespace = place.map(|place| place.namespace);
        let pod = self.start_pod(namespace.as_deref(), command, &dir)?;
        Ok(Member {
            name: format!("sentinel-{index}"),
            address: format!("{host}:{port}"),
            dir,
            pod,
        })
    }

    fn start_pod(&self, namespace: Option<&str>, command: Vec<String>, dir: &Path) -> Result<Pod> {
        let command = Network::inside(namespace, command);
        let environment = self
            .interposer
            .as_ref()
            .map(Interposer::environment)
            .unwrap_or_default();
        let recipe = Recipe {
            command,
            environment,
            log: dir.join("output.log"),
        };
        Pod::start(recipe, self.restart_delay_ms.clone(), self.mains.clone())
    }
}

fn member_dir(root: &Path, name: &str) -> Result<PathBuf> {
    let dir = root.join(name);
    fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    Ok(dir)
}

fn write_config(dir: &Path, name: &str, lines: &[String]) -> Result<String> {
    let path = dir.join(name);
    fs::write(&path, lines.join("\n") + "\n")
        .with_context(|| format!("write {}", path.display()))?;
    Ok(path.display().to_string())
}

fn common_lines(host: &str, port: u16, dir: &Path) -> Vec<String> {
    vec![
        format!("port {port}"),
        format!("bind {host}"),
        format!("dir \"{}\"", dir.display()),
        "protected-mode no".to_owned(),
        "maxclients 10500".to_owned(),
        "daemonize no".to_owned(),
    ]
}

fn server_lines(host: &str, port: u16, dir: &Path, durability: Durability) -> Vec<String> {
    let sync = match durability {
        Durability::Fsync => "appendfsync always",
        _ => "appendfsync everysec",
    };
    let fixed = [
        "save \"\"",
        "appendonly yes",
        sync,
        "repl-diskless-sync yes",
        "repl-diskless-sync-delay 0",
        "repl-backlog-size 64mb",
        "client-output-buffer-limit replica 0 0 0",
    ];
    let mut lines = common_lines(host, port, dir);
    lines.extend(fixed.map(str::to_owned));
    lines
}

fn sentinel_lines(
    spec: &GroupSpec,
    host: &str,
    port: u16,
    dir: &Path,
    master: &str,
) -> Vec<String> {
    let (group, quorum) = (&spec.group, spec.sentinels / 2 + 1);
    let mut lines = common_lines(host, port, dir);
    lines.extend([
        format!("sentinel monitor {group} {master} {quorum}"),
        format!(
            "sentinel down-after-milliseconds {group} {}",
            spec.down_after_ms
        ),
        format!(
            "sentinel failover-timeout {group} {}",
            spec.failover_timeout_ms
        ),
        format!("sentinel parallel-syncs {group} {}", spec.replicas.max(1)),
    ]);
    lines
}
