//! One round from beginning to end.

use crate::check::{Survived, Verdict, check, copies};
use crate::clock;
use crate::drill::RoundResult;
use crate::drill::keepsakes::Keepsakes;
use crate::drill::settle::settle;
use crate::fault::{Drill, Outlook, Scene, inject};
use crate::history::{History, Pulse};
use crate::measure::{Outage, Timeline};
use crate::target::{Network, System, trouble};
use crate::workload::{Crew, CrewSpec};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often the data are read, when the primary is replaced while that is done.
const READINGS: usize = 3;

/// How a round runs.
#[derive(Clone, Debug)]
pub struct RoundSpec {
    /// The clients; tag and namespaces are filled in per round.
    pub crew: CrewSpec,
    /// Undisturbed work before the fault.
    pub warm_up: Duration,
    /// How long writes may be away.
    pub return_limit: Duration,
    /// How long the fault lasts after writes are back.
    pub hold: Duration,
    /// Work after the fault was undone.
    pub tail: Duration,
    /// How long the group may take to be whole again.
    pub settle_limit: Duration,
    /// Chooses victims; the round's number is added.
    pub seed: u64,
    /// Where histories go.
    pub histories: PathBuf,
    /// Which histories are kept.
    pub keep: Keep,
    /// How long a killed stock process stays down, in milliseconds.
    pub restart_delay_ms: u64,
}

/// Which histories are written to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Every round's.
    All,
    /// Those of rounds of Holdfast with findings, as evidence.
    Evidence,
}

/// Plays round number `round` of `drill`. What goes wrong is in the result, never an error: a drill goes on.
pub async fn play(system: &System, drill: Drill, round: usize, spec: &RoundSpec) -> RoundResult {
    let mut result = RoundResult::empty(drill, system.against(), round);
    let gateless = drill.needs_gate() && !system.carries();
    let obstacle = gateless.then(|| "no gate, whose promise it could break".to_owned());
    if let Some(why) = obstacle.or_else(|| drill.obstacle(system.against())) {
        result.skipped = Some(why);
        return result;
    }
    if let Err(error) = run(system, &mut result, spec).await {
        result.failed = Some(format!("{error:#}"));
    }
    result
}

async fn run(system: &System, result: &mut RoundResult, spec: &RoundSpec) -> Result<()> {
    system.set_restart_delay_ms(spec.restart_delay_ms);
    let primary = settle(system, spec.settle_limit).await?;
    let crew_spec = crew_of(system, result, spec);
    let crew = Crew::start(&system.group()?, &crew_spec)?;
    let mut history = History {
        tag: crew_spec.tag,
        first_primary: primary.clone(),
        carried: system.carries(),
        ..History::default()
    };
    let mut keepsakes = None;
    let returned = disturb(system, result, spec, &crew, &mut history, &mut keepsakes).await;
    history.take(crew.finish().await?);
    let returned = if result.drill.may_wait_for_a_person() {
        helped(system, result, returned).await?
    } else {
        returned
    };
    let settled = settle(system, spec.settle_limit).await;
    history
        .last_primary
        .clone_from(settled.as_ref().unwrap_or(&primary));
    result.outage = Outage::of(&history);
    result.timeline = Timeline::of(&history);
    let mut judged = judge(system, result, &mut history, spec, returned, settled).await;
    if let (Ok(()), Some(keepsakes)) = (&judged, &keepsakes) {
        judged = keepsakes
            .judge(&history.last_primary, &mut result.verdict)
            .await;
    }
    if spec.keep == Keep::All || judged.is_err() || result.violates(true) {
        save(result, spec, &history);
    }
    judged
}

/// A group that names its trouble is given a person's word, to go on from the node that was primary last; from there it has
/// to be whole. What it named is logged.
async fn helped(system: &System, result: &RoundResult, returned: Result<()>) -> Result<Result<()>> {
    let group = system.group()?;
    let Some(why) = trouble::named(&group).await else {
        return Ok(returned);
    };
    tracing::info!("{}: {why}", result.drill.name());
    trouble::force(&group).await?;
    Ok(Ok(()))
}

async fn judge(
    system: &System,
    result: &mut RoundResult,
    history: &mut History,
    spec: &RoundSpec,
    returned: Result<()>,
    settled: Result<String>,
) -> Result<()> {
    returned?;
    settled?;
    result.verdict = verify(system, history, spec.settle_limit).await?;
    Ok(())
}

/// Reads back the data from the last primary of `history`, checks it, compares all copies, and clears it away. Where that
/// primary is replaced meanwhile, by a machine that stands still for a moment, the next one is read.
pub(crate) async fn verify(
    system: &System,
    history: &mut History,
    settle_limit: Duration,
) -> Result<Verdict> {
    let mut verdict = judged_by(system, history).await;
    for _ in 1..READINGS {
        let Err(error) = &verdict else { break };
        tracing::debug!("{error:#}");
        history.last_primary = settle(system, settle_limit).await?;
        verdict = judged_by(system, history).await;
    }
    let verdict = verdict?;
    if Survived::forget(&history.last_primary, history)
        .await
        .is_err()
    {
        let next = settle(system, settle_limit).await?;
        Survived::forget(&next, history).await?;
    }
    Ok(verdict)
}

/// What the last primary of `history` and all copies hold.
async fn judged_by(system: &System, history: &History) -> Result<Verdict> {
    let last = &history.last_primary;
    let survived = Survived::read(last, history).await?;
    let mut verdict = check(history, &survived);
    let different = copies::diverged(&system.group()?, last, history).await?;
    verdict.diverged = different.len() as u64;
    let names = different.iter().map(|name| format!("Diverged: {name}"));
    verdict.examples.extend(names);
    Ok(verdict)
}

fn crew_of(system: &System, result: &RoundResult, spec: &RoundSpec) -> CrewSpec {
    let mut crew = spec.crew.clone();
    crew.tag = format!(
        "{}-{}-{}-{}",
        std::process::id(),
        result.drill.name(),
        result.round,
        clock::now()
    );
    crew.seed = spec.seed.wrapping_add(result.round as u64);
    crew.namespaces = system
        .network()
        .map(Network::node_namespaces)
        .unwrap_or_default();
    crew
}

/// Warm-up, fault, return of writes, remedy, tail. Whatever happens, the fault is undone.
async fn disturb(
    system: &System,
    result: &RoundResult,
    spec: &RoundSpec,
    crew: &Crew,
    history: &mut History,
    keepsakes: &mut Option<Keepsakes>,
) -> Result<()> {
    wait_for_writes(crew.pulse(), clock::now(), spec.return_limit, |_| true).await?;
    tokio::time::sleep(spec.warm_up).await;
    if result.drill.spares_settled_data() {
        // Right before the fault: then they are in the last third of every file.
        *keepsakes = Some(Keepsakes::lay(system, &history.first_primary, &history.tag).await?);
    }
    let mut scene = Scene::new(
        system,
        &history.first_primary,
        spec.seed + result.round as u64,
    )?;
    let injected = inject(result.drill, &mut scene).await;
    history.event = scene.event.unwrap_or_else(clock::now);
    let returned = match &injected {
        Ok(()) => wait_for_return(result, spec, crew.pulse(), history).await,
        Err(_) => Ok(()),
    };
    if returned.is_ok() {
        tokio::time::sleep(spec.hold.max(result.drill.least_hold())).await;
    }
    for remedy in &scene.remedies {
        remedy.apply(system)?;
    }
    tokio::time::sleep(spec.tail).await;
    injected.and(returned)
}

async fn wait_for_return(
    result: &RoundResult,
    spec: &RoundSpec,
    pulse: &Pulse,
    history: &History,
) -> Result<()> {
    match result.drill.outlook(result.against) {
        Outlook::Switch => {
            let elsewhere = |node: &str| node != history.first_primary;
            wait_for_writes(pulse, history.event, spec.return_limit, elsewhere).await
        }
        // A reply on its way when the last blow fell proves nothing yet.
        Outlook::Writes => {
            wait_for_writes(pulse, clock::now() + 5_000, spec.return_limit, |_| true).await
        }
    }
}

/// Waits until a node that satisfies `wanted` acknowledges something sent after `since`, at most `limit`.
pub(crate) async fn wait_for_writes(
    pulse: &Pulse,
    since: u64,
    limit: Duration,
    wanted: impl Fn(&str) -> bool,
) -> Result<()> {
    let start = Instant::now();
    while !pulse.beaten_since(since, &wanted) {
        if start.elapsed() > limit {
            bail!("no acknowledged write within {:.1} s", limit.as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

fn save(result: &RoundResult, spec: &RoundSpec, history: &History) {
    let name = format!(
        "{}-{}-{}.jsonl",
        result.drill.name(),
        result.against,
        result.round
    );
    if let Err(error) = history.save(&spec.histories.join(name)) {
        tracing::warn!("{error:#}");
    }
}
