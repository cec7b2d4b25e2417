//! Holdfast's roles one by one, each in a network namespace of its own: what `holdfast up` does, spread over a network that can
//! be cut. The configuration files are JSON, which is YAML too.

use crate::target::member::Member;
use crate::target::pod::{Mains, Pod, Recipe};
use crate::target::{Group, GroupSpec, Interposer, Network, NodeProcess, process};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Every process has an address of its own, so all can use the same ports.
const NODE_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
const CONTROL_PORT: u16 = 27379;
/// As quick as a container runtime may be with the first restart.
const RESTART_DELAY_MS: u64 = 300;
/// Identity of the deployment; a drill's network reaches nobody else.
const CLUSTER: &str = "c0ffee00c0ffee00c0ffee00c0ffee00";

/// A group of agents and sentinels in namespaces.
#[derive(Debug)]
pub struct RolesGroup {
    group: String,
    nodes: Vec<Member>,
    sentinels: Vec<Member>,
    network: Network,
    carries: bool,
    interposer: Option<Interposer>,
    mains: Mains,
    redis_conf: PathBuf,
}

impl RolesGroup {
    /// Starts sentinels, then agents.
    pub fn start(spec: &GroupSpec) -> Result<Self> {
        let network = Network::create(spec.replicas + 1, spec.sentinels)?;
        let interposer = if spec.interposer {
            Some(Interposer::build(&spec.dir)?)
        } else {
            None
        };
        let mut group = Self {
            group: spec.group.clone(),
            nodes: vec![],
            sentinels: vec![],
            network,
            carries: spec.durability.waits(),
            interposer,
            mains: Mains::default(),
            redis_conf: spec.dir.join("redis.conf"),
        };
        fs::write(&group.redis_conf, "").context("write the operator's redis.conf")?;
        let secret = spec.dir.join("secret");
        fs::write(&secret, "a drill's secret that guards nothing").context("write the secret")?;
        restrict(&secret)?;
        for index in 0..spec.sentinels {
            let sentinel = group.start_sentinel(spec, index)?;
            group.sentinels.push(sentinel);
        }
        for index in 0..=spec.replicas {
            let node = group.start_node(spec, index)?;
            group.nodes.push(node);
        }
        Ok(group)
    }

    /// Whether gates stand before its servers.
    pub fn carries(&self) -> bool {
        self.carries
    }

    /// Its processes now.
    pub fn group(&self) -> Group {
        let node = |member: &Member| NodeProcess {
            name: member.name.clone(),
            agent_pid: member.pod.pid(),
            server_pid: server_pid(&member.dir),
            address: member.address.clone(),
            data_dir: member.dir.join("data"),
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

    /// The operator's redis.conf of all its nodes.
    pub fn redis_conf(&self) -> PathBuf {
        self.redis_conf.clone()
    }

    /// Its network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Its interposer, if any.
    pub fn interposer(&self) -> Option<&Interposer> {
        self.interposer.as_ref()
    }

    /// Kills everything.
    pub async fn stop(self) -> Result<()> {
        let servers: Vec<i32> = self
            .group()
            .nodes
            .iter()
            .filter_map(|node| node.server_pid)
            .collect();
        for member in self.sentinels.into_iter().chain(self.nodes) {
            member.pod.stop().await;
        }
        for pid in servers {
            process::send(pid, nix::sys::signal::Signal::SIGKILL)?;
        }
        Ok(())
    }

    fn start_sentinel(&self, spec: &GroupSpec, index: usize) -> Result<Member> {
        let name = format!("sentinel-{index}");
        let dir = member_dir(&spec.dir, &name)?;
        let place = self.network.sentinel(index);
        let peers: Vec<Value> = (0..spec.sentinels).map(|index| self.peer(index)).collect();
        let mut group = json!({ "name": spec.group, "nodes": spec.replicas + 1 });
        if spec.durability.waits() {
            group["durability"] = json!(spec.durability);
            group["sync_replicas"] = json!(spec.sync_replicas);
        }
        let config = json!({
            "name": name, "cluster": CLUSTER, "secret_file": spec.dir.join("secret"), "dir": dir,
            "listen": format!("{}:{SENTINEL_PORT}", place.ip), "control": format!("{}:{CONTROL_PORT}", place.ip),
            "sentinels": peers, "groups": [group],
        });
        let pod = self.start_pod(spec, "sentinel", &dir, &place.namespace, &config)?;
        Ok(Member {
            name,
            address: format!("{}:{SENTINEL_PORT}", place.ip),
            dir,
            pod,
        })
    }

    fn start_node(&self, spec: &GroupSpec, index: usize) -> Result<Member> {
        let name = format!("redis-{index}");
        let dir = member_dir(&spec.dir, &name)?;
        let place = self.network.node(index);
        let sentinels: Vec<String> = (0..spec.sentinels)
            .map(|index| format!("{}:{CONTROL_PORT}", self.network.sentinel(index).ip))
            .collect();
        let address = format!("{}:{NODE_PORT}", place.ip);
        let config = json!({
            "name": name, "group": spec.group, "cluster": CLUSTER, "secret_file": spec.dir.join("secret"), "dir": dir,
            "data_dir": dir.join("data"), "server": spec.server, "listen": address, "sentinels": sentinels,
            "stop_seconds": 10, "durability": spec.durability, "redis_conf": self.redis_conf,
        });
        let pod = self.start_pod(spec, "agent", &dir, &place.namespace, &config)?;
        Ok(Member {
            name,
            address,
            dir,
            pod,
        })
    }

    fn peer(&self, index: usize) -> Value {
        let ip = self.network.sentinel(index).ip;
        json!({
            "name": format!("sentinel-{index}"),
            "control": format!("{ip}:{CONTROL_PORT}"),
            "clients": format!("{ip}:{SENTINEL_PORT}"),
        })
    }

    fn start_pod(
        &self,
        spec: &GroupSpec,
        role: &str,
        dir: &Path,
        namespace: &str,
        config: &Value,
    ) -> Result<Pod> {
        let path = dir.join(format!("{role}.yaml"));
        fs::write(&path, config.to_string())
            .with_context(|| format!("write {}", path.display()))?;
        let holdfast = spec.holdfast.display().to_string();
        let command = vec![
            holdfast,
            role.to_owned(),
            "--config".to_owned(),
            path.display().to_string(),
        ];
        let recipe = Recipe {
            command: Network::inside(Some(namespace), command),
            environment: self
                .interposer
                .as_ref()
                .map(Interposer::environment)
                .unwrap_or_default(),
            log: dir.join(format!("{role}.log")),
        };
        let delay = Arc::new(AtomicU64::new(RESTART_DELAY_MS));
        Pod::start(recipe, delay, self.mains.clone())
    }
}

fn member_dir(root: &Path, name: &str) -> Result<PathBuf> {
    let dir = root.join(name);
    fs::create_dir_all(dir.join("data")).with_context(|| format!("create {}", dir.display()))?;
    Ok(dir)
}

/// A secret that others can read is refused.
fn restrict(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("protect {}", path.display()))
}

/// What the agent says is its redis-server, if that lives.
fn server_pid(dir: &Path) -> Option<i32> {
    let text = fs::read_to_string(dir.join("server.pid")).ok()?;
    text.trim().parse().ok().filter(|pid| process::alive(*pid))
}
