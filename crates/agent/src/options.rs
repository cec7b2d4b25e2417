//! Options of an agent: one documented struct for the file, the flags and the environment.

use holdfast_core::names::{Address, Cluster, Group, Node};
use holdfast_core::record::Durability;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

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
    /// Where redis-server listens for clients and replicas; with a gate, the gate does.
    pub listen: Address,
    /// What an acknowledgement promises. With `quorum` clients talk to the agent's gate, and redis-server listens on a Unix
    /// socket only.
    #[serde(default)]
    pub durability: Durability,
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
    /// File with ACL users of redis-server, one `user …` line each, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl_file: Option<PathBuf>,
    /// Certificate chain (PEM) of redis-server, for clients and for its own connections to the primary. Makes the port speak
    /// TLS, and only TLS; replication too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_cert_file: Option<PathBuf>,
    /// Private key (PEM) of that certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_key_file: Option<PathBuf>,
    /// CA certificates (PEM) by which redis-servers trust each other, and clients where those must show one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_ca_file: Option<PathBuf>,
    /// Whether clients must show a certificate signed by one of `tls_ca_file`.
    #[serde(default)]
    pub tls_client_auth: bool,
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
    /// Start a redis-server that ended again; without it the node stays down until its agent is started anew.
    #[serde(default = "default_restart")]
    pub restart: bool,
    /// Seconds that a stop may take, handoff included.
    #[serde(default = "default_stop_seconds")]
    pub stop_seconds: u32,
    /// Seconds after which a script or function that runs is ended (`SCRIPT KILL`); one that has written cannot be, so its
    /// redis-server is replaced. 0: never.
    #[serde(default = "default_script_limit_seconds")]
    pub script_limit_seconds: u32,
    /// Where `/livez`, `/readyz` and `/metrics` are served; nowhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Address>,
}

impl Options {
    /// The address that clients and replicas are given.
    pub fn announced(&self) -> &Address {
        self.announce.as_ref().unwrap_or(&self.listen)
    }

    /// Whether clients and replicas come through the agent's gate.
    pub fn gated(&self) -> bool {
        self.durability != Durability::Async
    }

    /// Files whose contents count while the agent runs.
    pub fn files(&self) -> Vec<&Path> {
        let files = [
            &self.redis_conf,
            &self.client_password_file,
            &self.acl_file,
            &self.tls_cert_file,
            &self.tls_key_file,
            &self.tls_ca_file,
        ];
        files
            .into_iter()
            .filter_map(|file| file.as_deref())
            .collect()
    }

    /// These options with what may change while the agent runs taken from `next`; and the first other key that differs,
    /// which counts from the next start on.
    pub(crate) fn renewed(&self, next: Self) -> (Self, Option<&'static str>) {
        let secure = self.tls_cert_file.is_some() == next.tls_cert_file.is_some();
        let fixed = [
            ("name", self.name != next.name),
            ("group", self.group != next.group),
            ("cluster", self.cluster != next.cluster),
            ("secret_file", self.secret_file != next.secret_file),
            ("dir", self.dir != next.dir),
            ("data_dir", self.data_dir != next.data_dir),
            ("server", self.server != next.server),
            ("listen", self.listen != next.listen),
            ("announce", self.announce != next.announce),
            ("durability", self.durability != next.durability),
            ("priority", self.priority != next.priority),
            ("stop_seconds", self.stop_seconds != next.stop_seconds),
            (
                "script_limit_seconds",
                self.script_limit_seconds != next.script_limit_seconds,
            ),
            ("http", self.http != next.http),
            ("tls_cert_file", !secure),
        ];
        let changed = fixed.into_iter().find(|(_, differs)| *differs);
        let tls = if secure { &next } else { self };
        let renewed = Self {
            tls_cert_file: tls.tls_cert_file.clone(),
            tls_key_file: tls.tls_key_file.clone(),
            tls_ca_file: tls.tls_ca_file.clone(),
            tls_client_auth: tls.tls_client_auth,
            sentinels: next.sentinels,
            redis_conf: next.redis_conf,
            client_password_file: next.client_password_file,
            acl_file: next.acl_file,
            memory_limit_bytes: next.memory_limit_bytes,
            ..self.clone()
        };
        (renewed, changed.map(|(key, _)| key))
    }
}

fn default_server() -> PathBuf {
    PathBuf::from("redis-server")
}

fn default_priority() -> u32 {
    100
}

fn default_restart() -> bool {
    true
}

fn default_stop_seconds() -> u32 {
    25
}

fn default_script_limit_seconds() -> u32 {
    10
}
