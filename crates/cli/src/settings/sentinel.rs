//! Settings of a sentinel; `holdfast_sentinel::Options` documents each.

use super::parse::{group, peer};
use clap::Args;
use holdfast_core::names::Address;
use holdfast_sentinel::{GroupOptions, Peer};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SentinelSettings {
    /// Stable name of this sentinel; one of `sentinels`.
    #[arg(long, env = "HOLDFAST_NAME", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Identity of the deployment, 32 hex characters. Agents and sentinels of another one are refused.
    #[arg(long, env = "HOLDFAST_CLUSTER", value_name = "ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// File that holds the secret shared by all agents and sentinels (at least 16 bytes).
    #[arg(long, env = "HOLDFAST_SECRET_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Directory of this sentinel alone: its identity and its register.
    #[arg(long, env = "HOLDFAST_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<PathBuf>,
    /// Where clients connect (the Sentinel protocol).
    #[arg(long, env = "HOLDFAST_LISTEN", value_name = "HOST:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<Address>,
    /// Where agents and other sentinels connect.
    #[arg(long, env = "HOLDFAST_CONTROL", value_name = "HOST:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) control: Option<Address>,
    /// All sentinels of the set, this one included: NAME=CONTROL,CLIENTS, several with `;` between them.
    #[arg(long, env = "HOLDFAST_SENTINELS", value_name = "NAME=H:P,H:P", value_delimiter = ';', value_parser = peer)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sentinels: Option<Vec<Peer>>,
    /// The groups that this set serves: NAME:NODES, then :DURABILITY and :cache where wanted, several with `;` between them.
    #[arg(long, env = "HOLDFAST_GROUPS", value_name = "NAME:NODES", value_delimiter = ';', value_parser = group)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<Vec<GroupOptions>>,
    /// File with the password that clients must give, if any.
    #[arg(long, env = "HOLDFAST_CLIENT_PASSWORD_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_password_file: Option<PathBuf>,
    /// File with ACL users for clients, one `user …` line each, if any.
    #[arg(long, env = "HOLDFAST_ACL_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acl_file: Option<PathBuf>,
    /// Certificate chain (PEM) for clients; makes the client port speak TLS.
    #[arg(long, env = "HOLDFAST_TLS_CERT_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_cert_file: Option<PathBuf>,
    /// Private key (PEM) of that certificate.
    #[arg(long, env = "HOLDFAST_TLS_KEY_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_key_file: Option<PathBuf>,
    /// CA certificates (PEM); clients must then show a certificate signed by one of them.
    #[arg(long, env = "HOLDFAST_TLS_CLIENT_CA_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_client_ca_file: Option<PathBuf>,
    /// Tell clients of the other sentinels by name, not by address. [default: only where clients use TLS]
    #[arg(long, env = "HOLDFAST_ANNOUNCE_HOSTNAMES", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) announce_hostnames: Option<bool>,
    /// Most client connections served at once; more are told so and closed. [default: 10500]
    #[arg(long, env = "HOLDFAST_MAX_CLIENTS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_clients: Option<usize>,
    /// A handoff that is asked for begins at the earliest this long after the one before; 0: at once. [default: 2000]
    #[arg(long, env = "HOLDFAST_HANDOFF_PACE_MS", value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) handoff_pace_ms: Option<u64>,
    /// Take administrative commands without a password from other machines, too.
    #[arg(long, env = "HOLDFAST_OPEN_ADMINISTRATION", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open_administration: Option<bool>,
    /// Where /livez, /readyz and /metrics are served; nowhere if not given.
    #[arg(long, env = "HOLDFAST_HTTP", value_name = "HOST:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http: Option<Address>,
}
