//! Settings of an agent; `holdfast_agent::Options` documents each.

use super::durability;
use clap::Args;
use holdfast_core::names::Address;
use holdfast_core::record::Durability;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AgentSettings {
    /// Stable name of this node, for example the pod's name.
    #[arg(long, env = "HOLDFAST_NAME", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The group that it belongs to.
    #[arg(long, env = "HOLDFAST_GROUP", value_name = "GROUP")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// Identity of the deployment, 32 hex characters. Sentinels of another one are refused.
    #[arg(long, env = "HOLDFAST_CLUSTER", value_name = "ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// File that holds the secret shared by all agents and sentinels (at least 16 bytes).
    #[arg(long, env = "HOLDFAST_SECRET_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Directory of this agent alone: its identity, promise and last position.
    #[arg(long, env = "HOLDFAST_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<PathBuf>,
    /// Directory of redis-server's data files. Only redis-server writes here.
    #[arg(long, env = "HOLDFAST_DATA_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The redis-server (or valkey-server) to run: a path, or a name found in PATH. [default: redis-server]
    #[arg(long, env = "HOLDFAST_SERVER", value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<PathBuf>,
    /// Where redis-server listens for clients and replicas.
    #[arg(long, env = "HOLDFAST_LISTEN", value_name = "HOST:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<Address>,
    /// Address told to clients and replicas, where it differs from `listen`.
    #[arg(long, env = "HOLDFAST_ANNOUNCE", value_name = "HOST:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) announce: Option<Address>,
    /// What an acknowledgement promises: async, or quorum, where clients come through this agent's gate. The same as the
    /// sentinels say of the group. [default: async]
    #[arg(long, env = "HOLDFAST_DURABILITY", value_name = "WORD", value_parser = durability)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) durability: Option<Durability>,
    /// Control addresses of all sentinels, several with `,` between them.
    #[arg(
        long,
        env = "HOLDFAST_SENTINELS",
        value_name = "HOST:PORT",
        value_delimiter = ','
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sentinels: Option<Vec<Address>>,
    /// Your own redis.conf lines; keys that Holdfast owns are refused by name.
    #[arg(long, env = "HOLDFAST_REDIS_CONF", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redis_conf: Option<PathBuf>,
    /// File with the password that clients of redis-server must give, if any.
    #[arg(long, env = "HOLDFAST_CLIENT_PASSWORD_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_password_file: Option<PathBuf>,
    /// File with ACL users of redis-server, one `user …` line each, if any.
    #[arg(long, env = "HOLDFAST_ACL_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acl_file: Option<PathBuf>,
    /// Certificate chain (PEM) of redis-server; makes its port speak TLS, replication included.
    #[arg(long, env = "HOLDFAST_TLS_CERT_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_cert_file: Option<PathBuf>,
    /// Private key (PEM) of that certificate.
    #[arg(long, env = "HOLDFAST_TLS_KEY_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_key_file: Option<PathBuf>,
    /// CA certificates (PEM) by which redis-servers trust each other, and clients that must show a certificate.
    #[arg(long, env = "HOLDFAST_TLS_CA_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_ca_file: Option<PathBuf>,
    /// Clients must show a certificate signed by one of `tls_ca_file`. [default: false]
    #[arg(long, env = "HOLDFAST_TLS_CLIENT_AUTH", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_client_auth: Option<bool>,
    /// Memory that this node may use, in bytes; 0 takes the cgroup's limit where there is one. [default: 0]
    #[arg(long, env = "HOLDFAST_MEMORY_LIMIT_BYTES", value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_limit_bytes: Option<u64>,
    /// Take data of unknown lineage found at the first start as this group's data. [default: false]
    #[arg(long, env = "HOLDFAST_ADOPT", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) adopt: Option<bool>,
    /// Preference when positions are equal; lower wins, 0 never becomes primary. [default: 100]
    #[arg(long, env = "HOLDFAST_PRIORITY", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<u32>,
    /// Start a redis-server that ended again; without it the node stays down until its agent is started anew.
    /// [default: true]
    #[arg(long, env = "HOLDFAST_RESTART", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) restart: Option<bool>,
    /// Seconds that a stop may take, handoff included. [default: 25]
    #[arg(long, env = "HOLDFAST_STOP_SECONDS", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_seconds: Option<u32>,
    /// Seconds after which a script or function that runs is ended; 0: never. [default: 10]
    #[arg(long, env = "HOLDFAST_SCRIPT_LIMIT_SECONDS", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) script_limit_seconds: Option<u32>,
    /// Where /livez, /readyz and /metrics are served; nowhere if not given.
    #[arg(long, env = "HOLDFAST_HTTP", value_name = "HOST:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http: Option<Address>,
}
