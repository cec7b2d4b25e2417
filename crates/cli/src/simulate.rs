//! `holdfast sim`: the deterministic simulator.

mod hunt;
mod output;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::print;
use crate::settings::durability;
use clap::Args;
use holdfast_core::record::Durability;
use holdfast_sim::{Config, FaultKind, Mutant, Progress, Summary, explore};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::thread::available_parallelism;

#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// How many runs, each from its own seed.
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,
    /// Replay this one seed and print what happened.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "from", "mutants"])]
    seed: Option<u64>,
    /// Threads. [default: one per core]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Data nodes; 0 leaves it to the seed.
    #[arg(long, value_name = "N", default_value_t = 0)]
    nodes: usize,
    /// Sentinels; 0 leaves it to the seed.
    #[arg(long, value_name = "N", default_value_t = 0)]
    sentinels: usize,
    /// What every run promises; without it the seed draws async or quorum.
    #[arg(long, value_name = "WORD", value_parser = durability)]
    durability: Option<Durability>,
    /// Kinds of faults beyond the usual ones: names with commas between them (failed-copies, damaged-files, put-back,
    /// endless-scripts, client-pauses, mixed-versions), or all, none. [default: all; in fsync those that leave disks truthful]
    #[arg(long, value_name = "KINDS", value_parser = FaultKind::list)]
    faults: Option<BTreeSet<FaultKind>>,
    /// Plant this bug, for example `promote-empty`.
    #[arg(long, value_name = "NAME", value_parser = mutant, default_value = "none")]
    mutant: Mutant,
    /// Plant each known bug in turn and see that it is found within --seeds runs (10000 by default).
    #[arg(long, conflicts_with = "mutant")]
    mutants: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &SimArgs, seeds_given: bool) -> Outcome {
    let text = if args.mutants {
        return hunt::run(args, if seeds_given { args.seeds } else { hunt::SEEDS });
    } else if let Some(seed) = args.seed {
        let report = holdfast_sim::run(
            seed,
            &Config {
                trace: true,
                ..args.config()
            },
        );
        let good = report.is_good();
        (output::run(&report, args), good)
    } else {
        let summary = args.explore();
        let good = summary.failed == 0;
        (output::summary(&summary, args), good)
    };
    print(&text.0)?;
    Ok(if text.1 { Exit::Ok } else { Exit::Failed })
}

impl SimArgs {
    fn config(&self) -> Config {
        Config {
            nodes: self.nodes,
            sentinels: self.sentinels,
            durability: self.durability,
            faults: self.faults.clone(),
            mutant: self.mutant,
            ..Config::default()
        }
    }

    fn jobs(&self) -> usize {
        self.jobs
            .unwrap_or_else(|| available_parallelism().map_or(1, std::num::NonZero::get))
    }

    fn explore(&self) -> Summary {
        let bar = progress_bar(self.seeds);
        let seeds = self.from..self.from.saturating_add(self.seeds);
        let summary = explore(seeds, self.jobs(), &self.config(), |progress| {
            show(&bar, progress)
        });
        bar.finish_and_clear();
        summary
    }
}

fn show(bar: &ProgressBar, progress: Progress) -> bool {
    bar.set_position(progress.done);
    if progress.failed > 0 {
        bar.set_message(format!("{} failed", progress.failed));
    }
    true
}

/// On stderr, and only where somebody watches.
fn progress_bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {per_sec}, {eta} left {msg}")
    {
        bar.set_style(style);
    }
    bar
}

/// A planted bug by its name.
fn mutant(name: &str) -> Result<Mutant, String> {
    let parsed = serde_json::from_value(serde_json::Value::String(name.to_owned()));
    parsed.map_err(|_| {
        format!(
            "there is no such bug; choose one of {}",
            Mutant::ALL.map(mutant_name).join(", ")
        )
    })
}

fn mutant_name(mutant: Mutant) -> String {
    serde_json::to_value(mutant)
        .ok()
        .and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn json(value: &serde_json::Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| Failure::new(Exit::Failed, error))
}
