//! The `crucible` command: every drill, every round, side by side.

use crate::drill::{RoundResult, RoundSpec, play};
use crate::fault::Drill;
use crate::options::CrucibleOptions;
use crate::report::Report;
use crate::target::{Against, System};
use crate::workload::CrewSpec;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs the drills and says what happened: one line per round to stderr as it goes, the rest in the report.
/// Ctrl-C ends the processes and gives the report of what was done.
///
/// # Errors
/// When no group can be started at all. A drill that goes wrong is in the report.
pub async fn run(options: CrucibleOptions) -> Result<Report> {
    let place = Workplace::open(options.group.dir.as_deref())?;
    let mut rounds = vec![];
    let drills = tokio::select! {
        done = run_drills(&options, place.path(), &mut rounds) => Some(done),
        _ = tokio::signal::ctrl_c() => None,
    };
    if drills.is_none() {
        eprintln!("stopped");
    }
    drills.transpose()?;
    let report = Report::new(rounds, options.lossless);
    report.write_files(options.json_file.as_deref(), options.svg_file.as_deref())?;
    Ok(report)
}

/// Drills with the same needs share a group: starting one takes seconds.
async fn run_drills(
    options: &CrucibleOptions,
    dir: &Path,
    rounds: &mut Vec<RoundResult>,
) -> Result<()> {
    let mut by_needs: BTreeMap<(bool, bool), Vec<Drill>> = BTreeMap::new();
    for drill in options.chosen_drills() {
        by_needs
            .entry((drill.needs_network(), drill.needs_interposer()))
            .or_default()
            .push(drill);
    }
    for ((network, interposer), drills) in by_needs {
        let mut stage = Stage::new(
            options,
            dir.join(stage_name(network, interposer)),
            network,
            interposer,
        );
        for drill in drills {
            stage.run(drill, rounds).await?;
        }
        stage.stop().await?;
    }
    Ok(())
}

fn stage_name(network: bool, interposer: bool) -> &'static str {
    match (network, interposer) {
        (true, _) => "network",
        (false, true) => "interposed",
        (false, false) => "plain",
    }
}

/// Groups of the same kind, one per system, started when first needed.
struct Stage<'a> {
    options: &'a CrucibleOptions,
    dir: PathBuf,
    network: bool,
    interposer: bool,
    systems: BTreeMap<Against, System>,
    started: usize,
}

impl<'a> Stage<'a> {
    fn new(options: &'a CrucibleOptions, dir: PathBuf, network: bool, interposer: bool) -> Self {
        Self {
            options,
            dir,
            network,
            interposer,
            systems: BTreeMap::new(),
            started: 0,
        }
    }

    async fn run(&mut self, drill: Drill, rounds: &mut Vec<RoundResult>) -> Result<()> {
        for round in 1..=self.options.rounds {
            for against in self.options.systems() {
                let result = self.round(drill, against, round).await?;
                eprintln!("{}", result.line());
                for example in &result.verdict.examples {
                    tracing::debug!("{example}");
                }
                let skip = result.skipped.is_some();
                rounds.push(result);
                if skip && self.options.systems().len() == 1 {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn round(&mut self, drill: Drill, against: Against, round: usize) -> Result<RoundResult> {
        if drill.obstacle(against).is_none() && !self.systems.contains_key(&against) {
            self.started += 1;
            let dir = self.dir.join(format!("{against}-{}", self.started));
            let spec = self
                .options
                .group
                .spec(&dir, self.network, self.interposer)?;
            let system = System::start(against, &spec).await;
            self.systems.insert(
                against,
                system.with_context(|| format!("start {against} in {}", dir.display()))?,
            );
        }
        let spec = round_spec(self.options, &self.dir);
        let result = match self.systems.get(&against) {
            Some(system) => play(system, drill, round, &spec).await,
            None => RoundResult {
                skipped: drill.obstacle(against),
                ..RoundResult::empty(drill, against, round)
            },
        };
        // A group that did not come back is of no use to the next round.
        if result.failed.is_some()
            && let Some(system) = self.systems.remove(&against)
        {
            system.stop().await?;
        }
        Ok(result)
    }

    async fn stop(self) -> Result<()> {
        for system in self.systems.into_values() {
            system.stop().await?;
        }
        Ok(())
    }
}

fn round_spec(options: &CrucibleOptions, dir: &Path) -> RoundSpec {
    let ms = Duration::from_millis;
    RoundSpec {
        crew: CrewSpec {
            workloads: options.workloads.clone(),
            operation_limit: ms(options.timeout),
            sentinel_limit: ms(200),
            pause: ms(options.pause),
            direct_pause: Some(ms(2)),
            namespaces: vec![],
            tag: String::new(),
        },
        warm_up: ms(400),
        return_limit: ms(options.return_limit),
        hold: ms(options.hold),
        tail: ms(options.tail),
        settle_limit: ms(60_000),
        seed: options.seed,
        histories: options.group.dir.is_some().then(|| dir.to_owned()),
        restart_delay_ms: 3000,
    }
}

/// The folder of a run: the one given, which stays, or a temporary one.
enum Workplace {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Workplace {
    fn open(dir: Option<&Path>) -> Result<Self> {
        match dir {
            Some(dir) => {
                std::fs::create_dir_all(dir)
                    .with_context(|| format!("create {}", dir.display()))?;
                Ok(Self::Kept(dir.to_owned()))
            }
            None => Ok(Self::Temporary(
                tempfile::tempdir().context("make a temporary folder")?,
            )),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(dir) => dir,
            Self::Temporary(dir) => dir.path(),
        }
    }
}
