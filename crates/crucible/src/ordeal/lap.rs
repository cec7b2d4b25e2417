//! One lap: clients at work, blows, calm, the check. Its history is forgotten afterwards, so that a run of hours needs no more memory than one of
//! a minute.

use crate::check::Verdict;
use crate::clock::{self, Micros, millis};
use crate::drill::play::{verify, wait_for_writes};
use crate::drill::settle::settle;
use crate::history::History;
use crate::ordeal::blow::Blow;
use crate::ordeal::plan;
use crate::ordeal::progress::Progress;
use crate::ordeal::series::{self, Bucket, Gap};
use crate::ordeal::storm::Storm;
use crate::ordeal::strike::Struck;
use crate::ordeal::wounds::Wounds;
use crate::target::{Network, System, files};
use crate::workload::{Crew, CrewSpec};
use anyhow::{Context, Result};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Undisturbed work after the blows, so that what they left behind shows in reads as well.
const TAIL: Duration = Duration::from_millis(700);

/// How every lap runs.
#[derive(Clone, Debug)]
pub struct LapSpec {
    /// The clients; tag, seed and namespaces are filled in per lap.
    pub crew: CrewSpec,
    /// Chooses the blows, with the lap's number.
    pub seed: u64,
    /// What may strike.
    pub palette: Vec<Blow>,
    /// How many nodes may be wounded at once.
    pub wounds: Option<usize>,
    /// How long blows fall.
    pub length: Duration,
    /// How long writes may be away after the last blow was undone.
    pub return_limit: Duration,
    /// How long the group may take to be whole again.
    pub settle_limit: Duration,
    /// Width of a piece of the timeline, in microseconds.
    pub bucket: Micros,
    /// Where histories go as evidence.
    pub evidence: PathBuf,
    /// Whether what is not kept breaks a promise: then its history is evidence.
    pub lossless: bool,
}

/// What one lap showed. Times are on the crucible's clock, in microseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Lap {
    /// From 1.
    pub number: u64,
    /// When clients began.
    pub begin: Micros,
    /// When they stopped.
    pub end: Micros,
    /// Every blow.
    pub struck: Vec<Struck>,
    /// What clients got.
    pub buckets: Vec<Bucket>,
    /// When they got nothing.
    pub gaps: Vec<Gap>,
    /// Milliseconds from the end of the last blow to the next acknowledged write.
    pub back_ms: f64,
    /// What the checkers found.
    pub verdict: Verdict,
    /// Why it could not be finished, if so.
    pub failed: Option<String>,
    /// Where its history is kept, if it is.
    pub history: Option<PathBuf>,
}

/// Plays lap `number`. What goes wrong is in the lap, never an error: a run goes on.
pub async fn play(system: &System, number: u64, spec: &LapSpec, progress: &Progress) -> Lap {
    let mut lap = Lap {
        number,
        ..Lap::default()
    };
    let mut history = History::default();
    let outcome = run(system, spec, progress, &mut lap, &mut history).await;
    lap.failed = outcome.err().map(|error| format!("{error:#}"));
    let bad = lap.verdict.broken() || (spec.lossless && lap.verdict.not_kept() > 0);
    if lap.failed.is_some() || bad {
        let path = spec.evidence.join(format!("lap-{number}.jsonl"));
        match history.save(&path) {
            Ok(()) => lap.history = Some(path),
            Err(error) => tracing::warn!("{error:#}"),
        }
    }
    lap
}

async fn run(
    system: &System,
    spec: &LapSpec,
    progress: &Progress,
    lap: &mut Lap,
    history: &mut History,
) -> Result<()> {
    let primary = settle(system, spec.settle_limit)
        .await
        .context("before the lap")?;
    for node in &system.group()?.nodes {
        files::delete_aside(&node.data_dir);
    }
    let crew_spec = crew_of(system, lap.number, spec);
    history.tag.clone_from(&crew_spec.tag);
    history.first_primary.clone_from(&primary);
    history.carried = system.carries();
    let crew = Crew::start(&system.group()?, &crew_spec)?;
    lap.begin = clock::now();
    history.event = lap.begin;
    let returned = disturb(system, spec, progress, &crew, lap, primary).await;
    history.take(crew.finish().await?);
    lap.end = clock::now();
    lap.buckets = series::buckets(history, lap.begin, lap.end, spec.bucket);
    lap.gaps = series::gaps(history, lap.begin, lap.end);
    progress.checking(lap);
    returned?;
    history.last_primary = settle(system, spec.settle_limit)
        .await
        .context("after the lap")?;
    lap.verdict = verify(system, history, spec.settle_limit).await?;
    Ok(())
}

/// Blows, calm, the return of writes. Whatever happens, everything is undone.
async fn disturb(
    system: &System,
    spec: &LapSpec,
    progress: &Progress,
    crew: &Crew,
    lap: &mut Lap,
    primary: String,
) -> Result<()> {
    wait_for_writes(crew.pulse(), lap.begin, spec.return_limit, |_| true).await?;
    lap.begin = clock::now();
    let plan = plan::draw(spec.seed, lap.number, spec.length, &spec.palette);
    let mut wounds = Wounds::new(spec.wounds);
    let mut storm = Storm::new(system, &mut wounds, primary);
    let begin = lap.begin;
    let tick = |blows| progress.tick(begin, crew.pulse(), blows);
    storm.rage(&plan, spec.length, tick).await;
    let calmed = storm.end();
    lap.struck = storm.struck;
    calmed?;
    let calm = clock::now();
    wait_for_writes(crew.pulse(), calm, spec.return_limit, |_| true).await?;
    lap.back_ms = millis(clock::now() - calm);
    tokio::time::sleep(TAIL).await;
    Ok(())
}

fn crew_of(system: &System, number: u64, spec: &LapSpec) -> CrewSpec {
    CrewSpec {
        tag: format!("{}-lap-{number}-{}", std::process::id(), clock::now()),
        seed: spec.seed.wrapping_add(number.wrapping_mul(7919)),
        namespaces: system
            .network()
            .map(Network::node_namespaces)
            .unwrap_or_default(),
        ..spec.crew.clone()
    }
}
