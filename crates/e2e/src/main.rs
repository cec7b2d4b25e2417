//! `e2e`: the chart's promises, one by one, on a real Kubernetes cluster. `make e2e` calls it.
//!
//! ```text
//!   ground (which cluster, and what power over its nodes) ─┐
//!   images, chart ── helm ──▶ release ◀── kubectl ─────────┴── promise: a fault, a deadline
//!                               ▲                                   │
//!                            writer: counts what was acknowledged ──┴──▶ table, evidence
//! ```
//!
//! Only what a client saw is evidence: the writers remember every acknowledged write with its time,
//! and look for each of them afterwards.

mod client;
mod command;
mod evidence;
mod ground;
mod helm;
mod kubectl;
mod limit;
mod outcome;
mod pod;
mod processes;
mod promise;
mod recorder;
mod release;
mod stage;
mod table;
mod wait;
mod writer;

use anyhow::Context as _;
use clap::Parser;
use promise::Promise;
use stage::Stage;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Keeps the chart's promises to account on a real Kubernetes cluster: that of `$KUBECONFIG`, else the
/// one of ../shared/k8s.
#[derive(Debug, Parser)]
struct Cli {
    /// Only promises whose name contains one of these words.
    only: Vec<String>,
    /// List the promises and end.
    #[arg(long)]
    list: bool,
    /// Leave the cluster and the last release as they are.
    #[arg(long)]
    keep: bool,
    /// Folder for logs and, when a promise is broken, all that could be gathered.
    #[arg(long, default_value = "target/e2e", value_name = "FOLDER")]
    out: PathBuf,
    /// A static holdfast binary that is there already, instead of building one.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The chart.
    #[arg(long, default_value = "charts/redis-cluster", value_name = "FOLDER")]
    chart: PathBuf,
    /// Most seconds that the promises may take in all, images and cluster not counted.
    #[arg(long, default_value_t = 1500, value_name = "SECONDS")]
    limit: u64,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("e2e: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<bool> {
    // The first to say so wins; there is no other.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chosen: Vec<&Promise> = promise::chosen(&cli.only);
    anyhow::ensure!(
        !chosen.is_empty(),
        "no promise is named so: see `e2e --list`"
    );
    if cli.list {
        for promise in chosen {
            println!("{:24} {}", promise.name, promise.text);
        }
        return Ok(true);
    }
    std::fs::create_dir_all(&cli.out).with_context(|| format!("making {}", cli.out.display()))?;
    let stage = Stage::set(&cli.out, cli.binary.as_deref(), &cli.chart, cli.keep)?;
    limit::watch(Duration::from_secs(cli.limit), &stage.ending());
    let (begin, count) = (Instant::now(), chosen.len());
    let mut rows = Vec::new();
    for (number, promise) in (1..).zip(chosen) {
        let so_far = begin.elapsed().as_secs();
        eprintln!(
            "== {number} of {count} ({so_far} s so far) {}: {}",
            promise.name, promise.text
        );
        rows.push(play(promise, &stage));
    }
    println!("\n{}", table::render(&rows, begin.elapsed()));
    Ok(rows.iter().all(table::Row::is_kept))
}

/// Runs one promise and says at once how it went.
fn play(promise: &Promise, stage: &Stage) -> table::Row {
    let begin = Instant::now();
    let result = (promise.run)(stage);
    let row = table::Row::of(promise, &result, begin.elapsed());
    if !row.is_kept() {
        stage.gather(promise.name, &row.remark);
    }
    eprintln!("{row}");
    row
}
