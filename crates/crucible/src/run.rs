//! The `crucible` command: every drill, every round, side by side.

use crate::drill::{Keep, RoundResult, RoundSpec, Stage, Workplace};
use crate::fault::Drill;
use crate::options::CrucibleOptions;
use crate::report::Report;
use crate::workload::CrewSpec;
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Runs the drills and says what happened: one line per round to stderr as it goes, the rest in the report.
/// Ctrl-C ends the processes and gives the report of what was done.
///
/// # Errors
/// When the work folder or a file of the report cannot be written. A drill that goes wrong is in the report.
pub async fn run(options: CrucibleOptions) -> Result<Report> {
    let place = Workplace::open(options.group.dir.as_deref())?;
    let mut rounds = vec![];
    let outcome = tokio::select! {
        done = run_drills(&options, place.path(), &mut rounds) => done,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("stopped");
            Ok(())
        }
    };
    outcome?;
    let report = Report::new(rounds, options.promises_no_loss());
    if report.violated() {
        eprintln!("evidence is kept in {}", place.keep().display());
    }
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
        let mut stage = Stage::new(&options.group, dir, network, interposer);
        for drill in drills {
            run_drill(options, &mut stage, drill, rounds).await?;
        }
        stage.stop().await?;
    }
    Ok(())
}

async fn run_drill(
    options: &CrucibleOptions,
    stage: &mut Stage<'_>,
    drill: Drill,
    rounds: &mut Vec<RoundResult>,
) -> Result<()> {
    let spec = round_spec(options, stage.dir());
    let mut systems = options.systems();
    for round in 1..=options.rounds {
        let mut skipped = vec![];
        for against in systems.iter().copied() {
            let result = stage.round(drill, against, round, &spec).await?;
            eprintln!("{}", result.line());
            result
                .verdict
                .examples
                .iter()
                .for_each(|example| tracing::debug!("{example}"));
            skipped.extend(result.skipped.is_some().then_some(against));
            rounds.push(result);
        }
        systems.retain(|against| !skipped.contains(against));
    }
    Ok(())
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
            seed: 1,
        },
        warm_up: ms(400),
        return_limit: ms(options.return_limit),
        hold: ms(options.hold),
        tail: ms(options.tail),
        settle_limit: ms(60_000),
        seed: options.seed.unwrap_or(1),
        histories: dir.to_owned(),
        keep: if options.group.dir.is_some() {
            Keep::All
        } else {
            Keep::Evidence
        },
        restart_delay_ms: 3000,
    }
}
