//! False failovers: a group under stress that no group should fail over for.
//!
//! Both cores saturated, snapshots, scripts of five seconds, and stalls of one second of every process at once.

use crate::bench::figures::{Figures, SoakFigures};
use crate::check::{Survived, check};
use crate::client::connection::ask;
use crate::clock::{self, millis};
use crate::drill::Stage;
use crate::drill::settle::settle;
use crate::fault::burden;
use crate::history::History;
use crate::measure::Outage;
use crate::options::BenchOptions;
use crate::target::{Against, Group, System, process};
use crate::workload::{Crew, CrewSpec, Workload};
use anyhow::Result;
use nix::sys::signal::Signal;
use std::path::Path;
use std::time::{Duration, Instant};

const STRESS: &str = "every core saturated; every 20 s one of: BGSAVE on every node, a 5 s script on the primary, a 1 s stall of every process";

/// One system after the other: stress on a shared machine would mix them up.
pub async fn measure(options: &BenchOptions, dir: &Path, figures: &mut Figures) -> Result<()> {
    for against in options.systems() {
        let mut stage = Stage::new(
            &options.group,
            &dir.join(format!("soak-{against}")),
            false,
            false,
        );
        let system = stage.system(against).await?;
        let soak = soak(system, against, options.soak_seconds).await?;
        eprintln!(
            "    soak {against:<8} {} s: {} failovers, longest pause {:.0} ms, lost {} of {}",
            soak.seconds, soak.failovers, soak.longest_pause_ms, soak.lost, soak.acknowledged
        );
        figures.put_soak(soak);
        stage.stop().await?;
    }
    Ok(())
}

async fn soak(system: &System, against: Against, seconds: u64) -> Result<SoakFigures> {
    let limit = Duration::from_secs(60);
    let first_primary = settle(system, limit).await?;
    let before = epoch(&system.group()?).await;
    let crew_spec = crew_spec();
    let crew = Crew::start(&system.group()?, &crew_spec)?;
    let event = clock::now();
    let hogs = burden::saturate()?;
    let stressed = stress(system, Duration::from_secs(seconds)).await;
    drop(hogs);
    let log = crew.finish().await?;
    let last_primary = settle(system, limit).await?;
    let mut history = History {
        tag: crew_spec.tag,
        first_primary,
        last_primary,
        event,
        carried: system.carries(),
        ..History::default()
    };
    history.take(log);
    let verdict = check(
        &history,
        &Survived::read(&history.last_primary, &history).await?,
    );
    stressed?;
    // Two switches may lead back to the same node: the epoch tells.
    let epochs = epoch(&system.group()?).await.saturating_sub(before);
    Ok(SoakFigures {
        against,
        seconds,
        stress: STRESS.to_owned(),
        failovers: verdict.switches.max(epochs),
        longest_pause_ms: millis(Outage::of(&history).longest_pause),
        acknowledged: verdict.acknowledged,
        lost: verdict.all_lost(),
    })
}

fn crew_spec() -> CrewSpec {
    CrewSpec {
        workloads: vec![Workload::Set],
        operation_limit: Duration::from_secs(15),
        sentinel_limit: Duration::from_secs(1),
        pause: Duration::from_millis(20),
        direct_pause: None,
        namespaces: vec![],
        tag: format!("{}-soak-{}", std::process::id(), clock::now()),
        seed: 1,
    }
}

async fn stress(system: &System, length: Duration) -> Result<()> {
    let start = Instant::now();
    for turn in 0.. {
        let begun = Instant::now();
        let group = system.group()?;
        match turn % 3 {
            0 => burden::fork(&group).await,
            1 => burden::long_script(&group).await,
            _ => stall(&group).await?,
        }
        let rest = Duration::from_secs(20).saturating_sub(begun.elapsed());
        tokio::time::sleep(rest.min(length.saturating_sub(start.elapsed()))).await;
        if start.elapsed() >= length {
            return Ok(());
        }
    }
    Ok(())
}

/// Stops every process for a second, as a paused virtual machine would be.
async fn stall(group: &Group) -> Result<()> {
    let pids = process::families(&group.pids());
    let stopped = pids
        .iter()
        .try_for_each(|pid| process::send(*pid, Signal::SIGSTOP));
    tokio::time::sleep(Duration::from_secs(1)).await;
    pids.iter()
        .try_for_each(|pid| process::send(*pid, Signal::SIGCONT))?;
    stopped
}

/// The highest config epoch that a sentinel names.
async fn epoch(group: &Group) -> u64 {
    let mut highest = 0;
    for sentinel in &group.sentinels {
        let command = ["SENTINEL", "MASTER", &group.group];
        let Ok(reply) = ask(&sentinel.address, &command, Duration::from_secs(2)).await else {
            continue;
        };
        let words: Vec<&str> = reply
            .as_slice()
            .unwrap_or_default()
            .iter()
            .filter_map(|word| word.as_str())
            .collect();
        let epoch = words
            .iter()
            .position(|word| *word == "config-epoch")
            .and_then(|at| words.get(at + 1)?.parse().ok());
        highest = highest.max(epoch.unwrap_or(0));
    }
    highest
}
