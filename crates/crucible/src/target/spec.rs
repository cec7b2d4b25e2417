//! What group to start.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Which system is under test.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Against {
    /// Holdfast.
    Holdfast,
    /// Stock redis-server and redis-sentinel.
    Upstream,
}

impl std::fmt::Display for Against {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Holdfast => "holdfast",
            Self::Upstream => "upstream",
        })
    }
}

/// What an acknowledgement of the group means.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// The primary has it.
    #[default]
    Async,
    /// So many replicas have it, too.
    Quorum,
    /// The primary and so many replicas have it on disk.
    Fsync,
}

impl Durability {
    /// Whether replicas must have a write before it is acknowledged.
    pub fn waits(self) -> bool {
        self != Self::Async
    }
}

impl std::fmt::Display for Durability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Async => "async",
            Self::Quorum => "quorum",
            Self::Fsync => "fsync",
        })
    }
}

/// One group of real processes.
#[derive(Clone, Debug)]
pub struct GroupSpec {
    /// Everything that it writes goes here.
    pub dir: PathBuf,
    /// Its name.
    pub group: String,
    /// Replicas beside the primary.
    pub replicas: usize,
    /// Sentinels.
    pub sentinels: usize,
    /// Durability. Stock groups know only `async`; in `fsync` their servers sync before they answer.
    pub durability: Durability,
    /// How many replicas must have a write before it is acknowledged, in `quorum` and `fsync`.
    pub sync_replicas: usize,
    /// The redis-server to run.
    pub server: PathBuf,
    /// The `holdfast` binary to run.
    pub holdfast: PathBuf,
    /// `down-after-milliseconds` of stock sentinels.
    pub down_after_ms: u64,
    /// `failover-timeout` of stock sentinels, in milliseconds.
    pub failover_timeout_ms: u64,
    /// After how many milliseconds a dead stock process is started again.
    pub restart_delay_ms: u64,
    /// Whether every process gets a network namespace of its own.
    pub network: bool,
    /// Whether the disk and clock of single processes can be disturbed.
    pub interposer: bool,
    /// How long the start may take.
    pub ready_limit: Duration,
}
