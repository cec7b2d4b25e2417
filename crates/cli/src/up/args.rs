//! Options of `holdfast up`.

use crate::exit::{Exit, Failure};
use crate::settings::durability;
use crate::whom::password;
use clap::Args;
use holdfast_cluster::Spec;
use holdfast_core::record::{Durability, OnLossOfQuorum};
use std::path::PathBuf;

/// Folder of the group where none is named.
pub(crate) const DEFAULT_DIR: &str = "holdfast-data";

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Folder of the group: data, logs, configuration and cluster.json. A group that lives there goes on.
    #[arg(long, env = "HOLDFAST_DIR", value_name = "DIR", default_value = DEFAULT_DIR)]
    dir: PathBuf,
    /// Replicas beside the primary. [default: 3]
    #[arg(long, value_name = "N")]
    replicas: Option<usize>,
    /// Sentinels, an odd number. [default: 3]
    #[arg(long, value_name = "N")]
    sentinels: Option<usize>,
    /// First port of the nodes; sentinels start 20000 higher. Ports that are taken are skipped. [default: 6379]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    base_port: Option<u16>,
    /// redis-server or valkey-server: a path, or a name found in PATH.
    #[arg(
        long,
        env = "HOLDFAST_SERVER",
        value_name = "PATH",
        default_value = "redis-server"
    )]
    server: PathBuf,
    /// Name of the group. [default: mymaster]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// What an acknowledgement promises: async, quorum (replicas have it in memory) or fsync (on disk); see docs/durability.md.
    #[arg(long, value_name = "WORD", default_value = "async", value_parser = durability)]
    durability: Durability,
    /// With quorum and fsync: how many replicas must have a write before its reply is released.
    /// [default: 1]
    #[arg(long, value_name = "K")]
    sync_replicas: Option<usize>,
    /// With quorum and fsync: serve with fewer, visibly, while that many cannot be reached; otherwise replies wait.
    #[arg(long)]
    degrade: bool,
    /// A handoff that is asked for begins at the earliest this many milliseconds after the one before.
    #[arg(long, value_name = "MS", default_value_t = holdfast_sentinel::HANDOFF_PACE_MS)]
    handoff_pace_ms: u64,
    /// Leave a process that dies down, a redis-server too.
    #[arg(long)]
    no_restart: bool,
    /// Seconds after which a script or function that runs is ended; 0: never.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    script_limit_seconds: u32,
    /// Print lines instead of the live view; also what happens without a terminal.
    #[arg(long)]
    pub(super) headless: bool,
    /// File with the password that clients of the nodes must give.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File with the password that clients of the sentinels must give; `status` and its kin want it as --password-file.
    #[arg(long, value_name = "FILE")]
    sentinel_password_file: Option<PathBuf>,
    /// Redis configuration lines of your own, for every node.
    #[arg(long, value_name = "FILE")]
    redis_conf: Option<PathBuf>,
}

impl UpArgs {
    /// The password of the nodes, for the small load of the live view.
    pub(super) fn password(&self) -> Result<Option<String>, Failure> {
        self.password_file.as_deref().map(password).transpose()
    }

    pub(super) fn spec(&self) -> Result<Spec, Failure> {
        self.check_durability()?;
        let binary = std::env::current_exe().map_err(|error| {
            let text = format!("cannot tell where this program is: {error}");
            Failure::new(Exit::Failed, text)
        })?;
        Ok(Spec {
            dir: self.dir.clone(),
            replicas: self.replicas,
            sentinels: self.sentinels,
            base_port: self.base_port,
            server: self.server.clone(),
            group: self.group.as_deref().map(Into::into),
            durability: self.durability,
            sync_replicas: self.sync_replicas.unwrap_or(1),
            on_loss_of_quorum: if self.degrade {
                OnLossOfQuorum::Degrade
            } else {
                OnLossOfQuorum::Hold
            },
            handoff_pace_ms: self.handoff_pace_ms,
            restart: !self.no_restart,
            script_limit_seconds: self.script_limit_seconds,
            binary,
            password_file: self.password_file.clone(),
            sentinel_password_file: self.sentinel_password_file.clone(),
            redis_conf: self.redis_conf.clone(),
        })
    }

    /// What `async` does not know must not be ignored in silence.
    fn check_durability(&self) -> Result<(), Failure> {
        let only = [
            ("--sync-replicas", self.sync_replicas.is_some()),
            ("--degrade", self.degrade),
        ];
        match only.iter().find(|(_, given)| *given) {
            Some((option, _)) if self.durability == Durability::Async => {
                Err(Failure::bad_input(format!(
                    "{option} is for durability `quorum` or `fsync` only: add --durability quorum, or leave it out"
                )))
            }
            _ => Ok(()),
        }
    }
}
