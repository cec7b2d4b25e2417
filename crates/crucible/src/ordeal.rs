//! The long run: faults at random on real processes for minutes or hours, and the question whether anything that was acknowledged is
//! missing.
//!
//! ```text
//!  seed ──▶ plan ──▶ storm ──▶ strike ──▶ target          lap: clients + storm, calm, read back, check; then the next
//!                      │
//!                    wounds (never more than promised)      laps ──▶ outcome ──▶ report (HTML, JSON)
//! ```

pub mod blow;
mod harm;
pub mod lap;
pub mod outcome;
pub mod plan;
pub mod progress;
pub mod series;
pub mod storm;
pub mod strike;
pub mod wounds;

pub use blow::{Blow, Powers};
pub use lap::{Lap, LapSpec};
pub use outcome::{OrdealReport, Subject, Totals};

use crate::drill::{Stage, Workplace};
use crate::options::CrucibleOptions;
use crate::report::page;
use crate::target::{Against, Durability, Interposer, Mount, Network};
use crate::workload::{CrewSpec, Workload};
use anyhow::{Context, Result};
use progress::Progress;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time of one lap under blows: bounds the history in memory.
const LAP: Duration = Duration::from_secs(25);
/// A lap shorter than this would hardly see a blow.
const LEAST_LAP: Duration = Duration::from_secs(4);
/// Laps that fail one after the other before the run is given up: nothing more can be learnt.
const MOST_FAILURES: usize = 3;
/// Pieces of the whole timeline.
const PIECES: u64 = 900;

/// Runs for `options.minutes` under load, writes the report, and gives it. Ctrl-C ends the run and reports what was done.
///
/// # Errors
/// When the work folder, the first group or the report cannot be made. What goes wrong in a lap is in the report.
pub async fn run(options: CrucibleOptions) -> Result<OrdealReport> {
    let place = Workplace::open(options.group.dir.as_deref())?;
    let length = Duration::from_secs_f64(options.minutes.unwrap_or(1.0) * 60.0);
    let (subject, spec) = prepare(&options, length, place.path());
    let mut stage = Stage::new(
        &options.group,
        place.path(),
        subject.network,
        subject.interposer,
    );
    stage.system(subject.against).await?;
    let mut progress = Progress::new(length);
    progress.tell(&format!("seed {}", subject.seed));
    let mut laps = vec![];
    tokio::select! {
        () = go_on(&mut stage, subject.against, &spec, length, &mut laps, &mut progress) => {}
        _ = tokio::signal::ctrl_c() => progress.tell("stopped"),
    }
    progress.end();
    stage.stop().await?;
    let report = OrdealReport::new(subject, spec.lossless, laps);
    write(&report, &options)?;
    if report
        .laps
        .iter()
        .any(|lap| lap.history.is_some() || lap.failed.is_some())
    {
        eprintln!("evidence is kept in {}", place.keep().display());
    }
    Ok(report)
}

async fn go_on(
    stage: &mut Stage<'_>,
    against: Against,
    spec: &LapSpec,
    length: Duration,
    laps: &mut Vec<Lap>,
    progress: &mut Progress,
) {
    let (mut totals, mut failures) = (Totals::default(), 0);
    while Duration::from_millis(totals.load_ms) < length && failures < MOST_FAILURES {
        let left = length.saturating_sub(Duration::from_millis(totals.load_ms));
        let spec = LapSpec {
            length: left.clamp(LEAST_LAP, LAP),
            ..spec.clone()
        };
        let number = laps.len() as u64 + 1;
        let lap = match stage.system(against).await {
            Ok(system) => lap::play(system, number, &spec, progress).await,
            Err(error) => Lap {
                number,
                failed: Some(format!("{error:#}")),
                ..Lap::default()
            },
        };
        failures = if lap.failed.is_some() {
            failures + 1
        } else {
            0
        };
        totals.add(&lap);
        progress.finished(&lap, &totals);
        if lap.failed.is_some() {
            stage.discard(against).await;
        }
        laps.push(lap);
    }
}

fn prepare(options: &CrucibleOptions, length: Duration, dir: &Path) -> (Subject, LapSpec) {
    let against = options.only.unwrap_or(Against::Holdfast);
    let durability = if against == Against::Holdfast {
        options.group.durability
    } else {
        Durability::Async
    };
    let lossless = options.lossless || durability.waits();
    let powers = Powers {
        network: Network::obstacle().is_none(),
        interposer: Interposer::obstacle().is_none(),
        agents: against == Against::Holdfast,
        everything: durability != Durability::Quorum,
        power: durability == Durability::Fsync,
        mounts: Mount::obstacle().is_none(),
        gates: durability.waits(),
    };
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seed = options.seed.unwrap_or(since.as_micros() as u64 % 1_000_000);
    let subject = Subject {
        against,
        durability,
        sync_replicas: options.group.sync_replicas,
        server: version(&options.group.server),
        nodes: options.group.replicas + 1,
        sentinels: options.group.sentinels,
        workloads: Workload::mixed(),
        network: powers.network,
        interposer: powers.interposer,
        seed,
        started: since.as_secs(),
    };
    let spec = LapSpec {
        crew: crew(options),
        seed,
        palette: palette(options, powers),
        wounds: durability.waits().then_some(options.group.sync_replicas),
        length: LAP,
        return_limit: Duration::from_millis(options.return_limit),
        settle_limit: Duration::from_secs(60),
        bucket: (length.as_micros() as u64 / PIECES).clamp(100_000, 60_000_000),
        evidence: dir.to_owned(),
        lossless,
    };
    (subject, spec)
}

/// The blows asked for, as far as they are possible; if none was named, all that are and that the system stands.
fn palette(options: &CrucibleOptions, powers: Powers) -> Vec<Blow> {
    let mut palette = Blow::palette(powers);
    if options.blows.is_empty() {
        palette.retain(|blow| blow.awaits().is_none());
    } else {
        palette.retain(|blow| options.blows.contains(blow));
    }
    palette
}

fn crew(options: &CrucibleOptions) -> CrewSpec {
    let ms = Duration::from_millis;
    CrewSpec {
        workloads: Workload::mixed(),
        operation_limit: ms(options.timeout),
        sentinel_limit: ms(200),
        pause: ms(options.pause.max(2)),
        direct_pause: Some(ms(10)),
        namespaces: vec![],
        tag: String::new(),
        seed: 0,
    }
}

/// The first line of `redis-server --version`.
fn version(server: &Path) -> String {
    let output = std::process::Command::new(server).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| server.display().to_string())
}

fn write(report: &OrdealReport, options: &CrucibleOptions) -> Result<()> {
    let html = options.report_path(report.subject.seed);
    let json = options
        .json_file
        .clone()
        .unwrap_or_else(|| html.with_extension("json"));
    if let Some(folder) = html.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    std::fs::write(&html, page::render(report))
        .with_context(|| format!("write {}", html.display()))?;
    let text = serde_json::to_string(report).context("write the report as JSON")?;
    std::fs::write(&json, text).with_context(|| format!("write {}", json.display()))?;
    eprintln!("report: {} and {}", html.display(), json.display());
    Ok(())
}
