//! Time from each event to the first acknowledged write.

use crate::bench::ballast;
use crate::bench::event::Event;
use crate::bench::figures::{EventFigures, Figures};
use crate::clock::millis;
use crate::drill::{Keep, RoundResult, RoundSpec, Stage};
use crate::measure::Timeline;
use crate::options::BenchOptions;
use crate::target::{Against, Durability};
use crate::workload::{CrewSpec, Workload};
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// Runs every chosen event. Small groups are shared; the big data set and the network have their own.
pub async fn measure(options: &BenchOptions, dir: &Path, figures: &mut Figures) -> Result<()> {
    let mut plain = Stage::new(&options.group, &dir.join("small"), false, false);
    for event in options.chosen_events() {
        match event {
            Event::CrashBig | Event::Partition => {}
            _ => measure_event(options, &mut plain, event, figures).await?,
        }
    }
    plain.stop().await?;
    for event in options.chosen_events() {
        if matches!(event, Event::CrashBig | Event::Partition) {
            let network = event.drill().needs_network();
            let mut stage = Stage::new(&options.group, &dir.join("special"), network, false);
            measure_event(options, &mut stage, event, figures).await?;
            stage.stop().await?;
        }
    }
    Ok(())
}

async fn measure_event(
    options: &BenchOptions,
    stage: &mut Stage<'_>,
    event: Event,
    figures: &mut Figures,
) -> Result<()> {
    let rounds = if event == Event::CrashBig {
        options.big_rounds
    } else {
        options.rounds
    };
    let spec = round_spec(event, stage.dir());
    let mut results: Vec<RoundResult> = vec![];
    for round in 1..=rounds {
        for against in options.systems() {
            if event == Event::CrashBig {
                ballast::ensure(stage.system(against).await?, options.big_mib).await?;
            }
            let result = stage.round(event.drill(), against, round, &spec).await?;
            eprintln!("{}", result.line());
            results.push(result);
        }
    }
    for against in options.systems() {
        let of_system: Vec<_> = results
            .iter()
            .filter(|result| result.against == against)
            .collect();
        let promised = options.group.durability;
        figures.put_event(collect(event, against, promised, &of_system));
    }
    figures.save(&options.out)
}

fn collect(
    event: Event,
    against: Against,
    durability: Durability,
    rounds: &[&RoundResult],
) -> EventFigures {
    let finished: Vec<_> = rounds.iter().filter(|round| round.finished()).collect();
    let sum = |count: fn(&crate::check::Verdict) -> u64| {
        finished.iter().map(|round| count(&round.verdict)).sum()
    };
    EventFigures {
        event,
        against,
        durability,
        away_ms: finished.iter().map(|round| millis(round.away())).collect(),
        acknowledged: sum(|verdict| verdict.acknowledged),
        lost: sum(|verdict| verdict.lost),
        lost_pinned: sum(|verdict| verdict.lost_direct),
        two_writable: sum(|verdict| verdict.two_writable),
        timeline: typical(&finished),
        failed: rounds.iter().filter(|round| round.failed.is_some()).count(),
    }
}

/// The timeline of the round with the median time.
fn typical(finished: &[&&RoundResult]) -> Timeline {
    let mut sorted = finished.to_vec();
    sorted.sort_by_key(|round| round.away());
    let middle = sorted.get(sorted.len().saturating_sub(1) / 2);
    middle
        .map(|round| round.timeline.clone())
        .unwrap_or_default()
}

/// One client that writes one key after the other, as `sentinel-contract.md` measured, and a slow direct writer per node.
fn round_spec(event: Event, dir: &Path) -> RoundSpec {
    let ms = Duration::from_millis;
    let big = event == Event::CrashBig;
    // Nothing tells a client of a cut: what it waits for an answer is part of the time, and must not be most of it.
    let limit = if event == Event::Partition { 60 } else { 300 };
    RoundSpec {
        crew: CrewSpec {
            workloads: vec![Workload::Set],
            operation_limit: ms(limit),
            sentinel_limit: ms(limit.min(200)),
            pause: if event == Event::Handoff {
                ms(0)
            } else {
                ms(1)
            },
            direct_pause: Some(ms(5)),
            namespaces: vec![],
            tag: String::new(),
            seed: 1,
        },
        warm_up: ms(300),
        return_limit: ms(20_000),
        hold: ms(300),
        tail: ms(200),
        settle_limit: ms(if big { 180_000 } else { 60_000 }),
        seed: 7,
        histories: dir.to_owned(),
        keep: Keep::Evidence,
        restart_delay_ms: 2600,
    }
}
