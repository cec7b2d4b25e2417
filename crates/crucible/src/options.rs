//! Options of `holdfast crucible` and `holdfast bench`.

use crate::bench::{Event, Part};
use crate::fault::Drill;
use crate::ordeal::Blow;
use crate::target::{Against, Durability, GroupSpec};
use crate::workload::Workload;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What group to test, the same for drills and bench.
#[derive(Clone, Debug, clap::Args)]
pub struct GroupOptions {
    /// Replicas beside the primary
    #[arg(long, default_value_t = 3)]
    pub replicas: usize,
    /// Sentinels: 3 or 5
    #[arg(long, default_value_t = 3)]
    pub sentinels: usize,
    /// Name of the group
    #[arg(long, default_value = "mymaster")]
    pub group: String,
    /// The redis-server (or valkey-server) to run
    #[arg(long, default_value = "redis-server")]
    pub server: PathBuf,
    /// The holdfast binary under test [default: this one]
    #[arg(long)]
    pub holdfast: Option<PathBuf>,
    /// down-after-milliseconds of stock sentinels
    #[arg(long, default_value_t = 500, value_name = "MS")]
    pub down_after: u64,
    /// failover-timeout of stock sentinels, in milliseconds
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    pub failover_timeout: u64,
    /// What an acknowledgement of Holdfast's group means: `async`, `quorum` or `fsync` (nothing acknowledged may be lost)
    #[arg(long, value_enum, default_value_t = Durability::Async)]
    pub durability: Durability,
    /// How many replicas must have a write before it is acknowledged, in `quorum` and `fsync`
    #[arg(long, default_value_t = 1, value_name = "K")]
    pub sync_replicas: usize,
    /// Keep everything here: logs, data, histories [default: a temporary folder, removed at the end]
    #[arg(long)]
    pub dir: Option<PathBuf>,
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self {
            replicas: 3,
            sentinels: 3,
            group: "mymaster".to_owned(),
            server: PathBuf::from("redis-server"),
            holdfast: None,
            down_after: 500,
            failover_timeout: 10_000,
            durability: Durability::Async,
            sync_replicas: 1,
            dir: None,
        }
    }
}

impl GroupOptions {
    /// The same group, where k replicas must have a write before it is acknowledged.
    #[must_use]
    pub fn quorum(&self, k: usize) -> Self {
        Self {
            durability: Durability::Quorum,
            sync_replicas: k,
            ..self.clone()
        }
    }

    /// The same group, where the primary and k replicas must have a write on disk before it is acknowledged. A stock group, which
    /// knows no such promise, syncs on each node before it answers.
    #[must_use]
    pub fn fsync(&self, k: usize) -> Self {
        Self {
            durability: Durability::Fsync,
            ..self.quorum(k)
        }
    }

    /// The group to start in `dir`.
    pub fn spec(&self, dir: &Path, network: bool, interposer: bool) -> Result<GroupSpec> {
        let holdfast = match &self.holdfast {
            Some(path) => path.clone(),
            None => std::env::current_exe().context("find the holdfast binary")?,
        };
        std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        Ok(GroupSpec {
            dir: dir
                .canonicalize()
                .with_context(|| format!("find {}", dir.display()))?,
            group: self.group.clone(),
            replicas: self.replicas,
            sentinels: self.sentinels,
            durability: self.durability,
            sync_replicas: self.sync_replicas,
            server: self.server.clone(),
            holdfast,
            down_after_ms: self.down_after,
            failover_timeout_ms: self.failover_timeout,
            restart_delay_ms: 3000,
            network,
            interposer,
            ready_limit: Duration::from_secs(30),
        })
    }
}

/// Options of `holdfast crucible`.
#[derive(Clone, Debug, clap::Args)]
pub struct CrucibleOptions {
    /// Drills to run, separated by commas; if none is named, all of them that the durability is meant to survive
    #[arg(long = "drill", value_enum, value_delimiter = ',')]
    pub drills: Vec<Drill>,
    /// Rounds of each drill
    #[arg(long, default_value_t = 5, value_parser = rounds)]
    pub rounds: usize,
    /// Run every round against this system too, alternating
    #[arg(long, value_enum, value_delimiter = ',')]
    pub against: Vec<Against>,
    /// Run against this system only
    #[arg(long, value_enum, conflicts_with = "against")]
    pub only: Option<Against>,
    /// What clients do, one client each
    #[arg(long = "workload", value_enum, value_delimiter = ',', default_values = ["set", "list", "counter", "cas"])]
    pub workloads: Vec<Workload>,
    /// Longest time of one operation of a client, in milliseconds
    #[arg(long, default_value_t = 300, value_name = "MS")]
    pub timeout: u64,
    /// Pause of a client between operations, in milliseconds; 0 for none
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub pause: u64,
    /// How long a fault lasts after writes are back, in milliseconds
    #[arg(long, default_value_t = 700, value_name = "MS")]
    pub hold: u64,
    /// How long clients go on after the fault was undone, in milliseconds
    #[arg(long, default_value_t = 700, value_name = "MS")]
    pub tail: u64,
    /// How long writes may be away before a round has failed, in milliseconds
    #[arg(long, default_value_t = 30_000, value_name = "MS")]
    pub return_limit: u64,
    /// Any acknowledged write that is lost is a failure (as in quorum durability)
    #[arg(long)]
    pub lossless: bool,
    /// Chooses victims; the same seed chooses the same [default: 1 for drills, by chance with --minutes]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Instead of drills: faults at random for so many minutes
    #[arg(long, value_name = "M", conflicts_with_all = ["drills", "rounds", "against"], value_parser = minutes)]
    pub minutes: Option<f64>,
    /// Only these faults in a run of minutes, separated by commas
    #[arg(long = "blow", value_enum, value_delimiter = ',', requires = "minutes")]
    pub blows: Vec<Blow>,
    /// Write the report of a run of minutes to this HTML file, and JSON beside it [default: crucible-SEED.html]
    #[arg(long, value_name = "FILE", requires = "minutes")]
    pub report: Option<PathBuf>,
    /// Write the results as JSON to this file
    #[arg(long)]
    pub json_file: Option<PathBuf>,
    /// Write a plot to this file
    #[arg(long)]
    pub svg_file: Option<PathBuf>,
    /// The group
    #[command(flatten)]
    pub group: GroupOptions,
}

impl Default for CrucibleOptions {
    fn default() -> Self {
        Self {
            drills: vec![],
            rounds: 5,
            against: vec![],
            only: None,
            workloads: vec![
                Workload::Set,
                Workload::List,
                Workload::Counter,
                Workload::Cas,
            ],
            timeout: 300,
            pause: 0,
            hold: 700,
            tail: 700,
            return_limit: 30_000,
            lossless: false,
            seed: None,
            minutes: None,
            blows: vec![],
            report: None,
            json_file: None,
            svg_file: None,
            group: GroupOptions::default(),
        }
    }
}

impl CrucibleOptions {
    /// The systems to run against, Holdfast first.
    pub fn systems(&self) -> Vec<Against> {
        let mut systems = match self.only {
            Some(only) => vec![only],
            None => vec![Against::Holdfast],
        };
        systems.extend(&self.against);
        systems.sort();
        systems.dedup();
        systems
    }

    /// Whether any loss breaks a promise.
    pub fn promises_no_loss(&self) -> bool {
        self.lossless || self.group.durability.waits()
    }

    /// Where the report of a run of minutes goes.
    pub fn report_path(&self, seed: u64) -> PathBuf {
        let default = || PathBuf::from(format!("crucible-{seed}.html"));
        self.report.clone().unwrap_or_else(default)
    }

    /// The drills to run.
    pub fn chosen_drills(&self) -> Vec<Drill> {
        if self.drills.is_empty() {
            let mut all = Drill::all();
            // The others lose by it, and say so.
            all.retain(|drill| {
                *drill != Drill::Power || self.group.durability == Durability::Fsync
            });
            all.retain(|drill| drill.awaits().is_none());
            all
        } else {
            self.drills.clone()
        }
    }
}

/// At least one: no rounds at all would show nothing and pass.
fn rounds(text: &str) -> Result<usize, String> {
    let rounds = text
        .parse()
        .ok()
        .filter(|rounds| (1..=100_000).contains(rounds));
    rounds.ok_or_else(|| format!("`{text}` rounds: take 1 to 100000"))
}

/// More than none, and no more than a week.
fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text
        .parse()
        .map_err(|_| format!("`{text}` is no number of minutes"))?;
    let sensible = minutes > 0.0 && minutes <= 10_080.0;
    sensible
        .then_some(minutes)
        .ok_or_else(|| format!("`{text}` minutes: take more than 0 and at most 10080"))
}

/// Options of `holdfast bench`.
#[derive(Clone, Debug, clap::Args)]
pub struct BenchOptions {
    /// What to measure, separated by commas; everything if nothing is named
    #[arg(long = "part", value_enum, value_delimiter = ',')]
    pub parts: Vec<Part>,
    /// Which events, separated by commas; all of them if none is named
    #[arg(long = "event", value_enum, value_delimiter = ',')]
    pub events: Vec<Event>,
    /// Rounds of each event
    #[arg(long, default_value_t = 30, value_parser = rounds)]
    pub rounds: usize,
    /// Rounds of the events with a big data set
    #[arg(long, default_value_t = 30, value_parser = rounds)]
    pub big_rounds: usize,
    /// Size of the big data set in MiB
    #[arg(long, default_value_t = 2048, value_name = "MIB")]
    pub big_mib: u64,
    /// Length of the soak in seconds
    #[arg(long, default_value_t = 600, value_name = "S")]
    pub soak_seconds: u64,
    /// Measure this system only
    #[arg(long, value_enum)]
    pub only: Option<Against>,
    /// Folder of failover.json, failover.md and failover.svg
    #[arg(long, default_value = "docs/benchmarks")]
    pub out: PathBuf,
    /// The group
    #[command(flatten)]
    pub group: GroupOptions,
}

impl BenchOptions {
    /// The systems to measure, Holdfast first.
    pub fn systems(&self) -> Vec<Against> {
        self.only.map_or_else(
            || vec![Against::Holdfast, Against::Upstream],
            |only| vec![only],
        )
    }

    /// The parts to measure.
    pub fn chosen_parts(&self) -> Vec<Part> {
        if self.parts.is_empty() {
            <Part as clap::ValueEnum>::value_variants().to_vec()
        } else {
            self.parts.clone()
        }
    }

    /// The events to measure.
    pub fn chosen_events(&self) -> Vec<Event> {
        if self.events.is_empty() {
            Event::all()
        } else {
            self.events.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_today_runs_only_where_it_is_named() {
        let default = CrucibleOptions::default().chosen_drills();
        assert!(default.iter().all(|drill| drill.awaits().is_none()));
        for drill in Drill::all()
            .into_iter()
            .filter(|drill| drill.awaits().is_some())
        {
            let named = CrucibleOptions {
                drills: vec![drill],
                ..CrucibleOptions::default()
            };
            assert_eq!(named.chosen_drills(), [drill]);
        }
    }
}
