//! Options of an agent: one documented struct for the file, the flags and the environment.

use holdfast_core::names::{Address, Cluster, Group, Node};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that an agent is told at start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Stable name of this node, for example the pod's name.
    pub name: Node,
    /// The group that it belongs to.
    pub group: Group,
    /// Identity of the deployment. Sentinels of another one are refused.
    pub cluster: Cluster,
    /// File that holds the secret shared by all agents and sentinels (at least 16 bytes).
    pub secret_file: PathBuf,
    /// Directory of this agent alone: its identity, promise and last position.
    pub dir: PathBuf,
    /// Directory of redis-server's data files. Only redis-server writes here.
    pub data_dir: PathBuf,
    /// The redis-server (or valkey-server) to run: a path, or a name found in PATH.
    #[serde(default = "default_server")]
    pub server: PathBuf,
    /// Where redis-server listens for clients and replicas.
    pub listen: Address,
    /// Address told to clients and replicas, where it differs from `listen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce: Option<Address>,
    /// Control addresses of all sentinels.
    pub sentinels: Vec<Address>,
    /// Your own redis.conf lines; keys that Holdfast owns are refused by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis_conf: Option<PathBuf>,
    /// File with the password that clients of redis-server must give, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_password_file: Option<PathBuf>,
    /// Memory that this node may use, in bytes; 0 takes the cgroup's limit where there is one.
    /// `maxmemory` and the headroom for forks are derived from it unless redis.conf sets `maxmemory`.
    #[serde(default)]
    pub memory_limit_bytes: u64,
    /// Take data of unknown lineage found at the first start as this group's data.
    #[serde(default)]
    pub adopt: bool,
    /// Preference when positions are equal; lower wins, 0 never becomes primary.
    #[serde(default = "default_priority")]
    pub priority: u32,
    /// Seconds that a stop may take, handoff included.
    #[serde(default = "default_stop_seconds")]
    pub stop_seconds: u32,
    /// Where `/livez`, `/readyz` and `/metrics` are served; nowhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Address>,
}

impl Options {
    /// The address that clients and replicas are given.
    pub fn announced(&self) -> &Address {
        self.announce.as_ref().unwrap_or(&self.listen)
    }
}

fn default_server() -> PathBuf {
    PathBuf::from("redis-server")
}

fn default_priority() -> u32 {
    100
}

fn default_stop_seconds() -> u32 {
    25
}
