//! Options of a sentinel: one documented struct for the file, the flags and the environment.

use holdfast_core::names::{Address, Cluster, Group, Sentinel};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything that a sentinel is told at start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Stable name of this sentinel; one of `sentinels`.
    pub name: Sentinel,
    /// Identity of the deployment. Agents and sentinels of another one are refused.
    pub cluster: Cluster,
    /// File that holds the secret shared by all agents and sentinels (at least 16 bytes).
    pub secret_file: PathBuf,
    /// Directory of this sentinel alone: its identity and its register.
    pub dir: PathBuf,
    /// Where clients connect (the Sentinel protocol).
    pub listen: Address,
    /// Where agents and other sentinels connect.
    pub control: Address,
    /// All sentinels of the set, this one included: 3 or 5 (1 for a trial).
    pub sentinels: Vec<Peer>,
    /// The groups that this set serves.
    pub groups: Vec<GroupOptions>,
    /// File with the password that clients must give (`requirepass`), if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_password_file: Option<PathBuf>,
    /// File with ACL users for clients, one `user …` line each, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl_file: Option<PathBuf>,
    /// Certificate chain (PEM) for clients; makes the client port speak TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_cert_file: Option<PathBuf>,
    /// Private key (PEM) of that certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_key_file: Option<PathBuf>,
    /// CA certificates (PEM); clients must then show a certificate signed by one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_ca_file: Option<PathBuf>,
    /// Whether clients are told of the other sentinels by the names in `sentinels`; else by the addresses at which those
    /// were reached. By default names where clients use TLS, since certificates hold names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce_hostnames: Option<bool>,
    /// Most client connections served at once; more are told so and closed.
    #[serde(default = "default_max_clients")]
    pub max_clients: usize,
    /// A handoff that is asked for begins at the earliest this many milliseconds after the one before; 0: at once. Each
    /// holds writes for a moment.
    #[serde(default = "default_handoff_pace")]
    pub handoff_pace_ms: u64,
    /// Take administrative commands of clients without a password from other machines, too.
    #[serde(default)]
    pub open_administration: bool,
    /// Where `/livez`, `/readyz` and `/metrics` are served; nowhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Address>,
}

/// One sentinel of the set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its stable name.
    pub name: Sentinel,
    /// Where it listens for agents and sentinels.
    pub control: Address,
    /// Where it listens for clients, as clients are told.
    pub clients: Address,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupOptions {
    /// The group's name; `mymaster` by habit.
    pub name: Group,
    /// How many nodes (primary and replicas) there are to be: all of them are expected at the first start, and those that
    /// were taken away later (`x-3` and on, where this says 3) are forgotten.
    pub nodes: usize,
    /// What an acknowledgement promises.
    #[serde(default)]
    pub durability: holdfast_core::record::Durability,
    /// How many replicas must have a write before its reply is released; of no meaning in `async`.
    #[serde(default = "one")]
    pub sync_replicas: usize,
    /// What happens when that many cannot be reached: `hold` replies, or `degrade` visibly.
    #[serde(default)]
    pub on_loss_of_quorum: holdfast_core::record::OnLossOfQuorum,
    /// A cache may start empty after the loss of everything, without asking.
    #[serde(default)]
    pub cache: bool,
}

impl Options {
    /// Files whose contents count while the sentinel runs.
    pub fn files(&self) -> Vec<&Path> {
        let files = [
            &self.client_password_file,
            &self.acl_file,
            &self.tls_cert_file,
            &self.tls_key_file,
            &self.tls_client_ca_file,
        ];
        files
            .into_iter()
            .filter_map(|file| file.as_deref())
            .collect()
    }

    /// The first of the keys that count only from the next start on in which `next` differs, if any does.
    pub fn fixed_change(&self, next: &Self) -> Option<&'static str> {
        let changes = [
            ("name", self.name != next.name),
            ("cluster", self.cluster != next.cluster),
            ("secret_file", self.secret_file != next.secret_file),
            ("dir", self.dir != next.dir),
            ("listen", self.listen != next.listen),
            ("control", self.control != next.control),
            ("max_clients", self.max_clients != next.max_clients),
            (
                "open_administration",
                self.open_administration != next.open_administration,
            ),
            ("http", self.http != next.http),
            (
                "tls_cert_file",
                self.tls_cert_file.is_some() != next.tls_cert_file.is_some(),
            ),
        ];
        let first = changes.into_iter().find(|(_, differs)| *differs);
        first.map(|(key, _)| key)
    }
}

fn one() -> usize {
    1
}

/// Default of [`Options::handoff_pace_ms`], in milliseconds.
pub const HANDOFF_PACE_MS: u64 = 2_000;

fn default_handoff_pace() -> u64 {
    HANDOFF_PACE_MS
}

fn default_max_clients() -> usize {
    10_500
}
