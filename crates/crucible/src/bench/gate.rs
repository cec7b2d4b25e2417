//! What the gate costs: redis-benchmark through it, beside a plain redis-server with as many replicas in the same run.

use crate::bench::figures::{Figures, GateFigures};
use crate::client::Connection;
use crate::drill::Stage;
use crate::drill::settle::settle;
use crate::options::{BenchOptions, GroupOptions};
use crate::target::process::usage;
use crate::target::{Against, Group, NodeProcess, System};
use anyhow::{Context, Result, anyhow, bail};
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;

/// Rounds of each kind of work; the systems take turns in each.
const ROUNDS: usize = 5;

/// How often a round is played at most.
const TRIES: usize = 3;

/// A group may take so long to be whole again.
const BACK: Duration = Duration::from_secs(30);

/// What a question about roles may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Work, its requests in a round, and redis-benchmark's words for it.
pub(super) type Work = (&'static str, u32, &'static str);

/// A system's name, and what is started.
pub(super) type Kind = (&'static str, Against, GroupOptions);

const WORK: &[Work] = &[
    ("SET, 50 connections", 60_000, "-t set -c 50 -d 100"),
    ("GET, 50 connections", 60_000, "-t get -c 50 -d 100"),
    ("SET, 200 connections", 60_000, "-t set -c 200 -d 100"),
    ("GET, 200 connections", 60_000, "-t get -c 200 -d 100"),
    (
        "SET, 50 × pipeline 16",
        320_000,
        "-t set -c 50 -d 100 -P 16",
    ),
    (
        "GET, 50 × pipeline 16",
        480_000,
        "-t get -c 50 -d 100 -P 16",
    ),
    ("SET 1 MiB, 8 connections", 600, "-t set -c 8 -d 1048576"),
    ("GET 1 MiB, 8 connections", 1_500, "-t get -c 8 -d 1048576"),
    ("SET, 1 connection", 8_000, "-t set -c 1 -d 100"),
    ("GET, 1 connection", 8_000, "-t get -c 1 -d 100"),
];

/// Measures every kind of work.
pub async fn measure(options: &BenchOptions, dir: &Path, figures: &mut Figures) -> Result<()> {
    let kinds = [
        ("plain", Against::Upstream, options.group.clone()),
        ("quorum, k = 1", Against::Holdfast, options.group.quorum(1)),
        ("quorum, k = 2", Against::Holdfast, options.group.quorum(2)),
    ];
    take_turns(&kinds, WORK, &dir.join("gate"), |row| figures.put_gate(row)).await
}

/// Each of `work` on all `kinds`, in turns; `put` gets the rows as soon as they are complete.
pub(super) async fn take_turns(
    kinds: &[Kind],
    work: &[Work],
    dir: &Path,
    mut put: impl FnMut(GateFigures),
) -> Result<()> {
    let mut stages = Vec::new();
    for (number, (_, against, group)) in kinds.iter().enumerate() {
        let mut stage = Stage::new(group, &dir.join(number.to_string()), false, false);
        stage.system(*against).await?;
        stages.push((*against, stage));
    }
    for work in work {
        let mut rows: Vec<_> = kinds
            .iter()
            .map(|kind| GateFigures::new(work.0, kind.0))
            .collect();
        for _ in 0..ROUNDS {
            for (row, (against, stage)) in rows.iter_mut().zip(&mut stages) {
                one_round(stage.system(*against).await?, work, row).await?;
            }
        }
        for row in rows {
            eprintln!("    {}", row.line());
            put(row);
        }
    }
    for (_, stage) in stages {
        stage.stop().await?;
    }
    Ok(())
}

/// A round that fails, since the primary changed in its midst for instance, is told and played again.
async fn one_round(system: &System, work: &Work, row: &mut GateFigures) -> Result<()> {
    let mut left = TRIES;
    loop {
        left -= 1;
        let node = primary(&system.group()?).await?;
        match one_run(&node, work, row).await {
            Err(error) if left > 0 => eprintln!("    {}, once more: {error}", row.system),
            done => return done,
        }
        settle(system, BACK).await?;
    }
}

async fn one_run(
    primary: &NodeProcess,
    (_, requests, words): &Work,
    row: &mut GateFigures,
) -> Result<()> {
    let (host, port) = primary
        .address
        .rsplit_once(':')
        .context("read the address")?;
    let micros = |pid: Option<i32>| pid.and_then(usage).map_or(0, |usage| usage.cpu_micros);
    let before = (micros(primary.agent_pid), micros(primary.server_pid));
    let mut command = Command::new("redis-benchmark");
    command.args(["-h", host, "-p", port, "-n", &requests.to_string(), "--csv"]);
    command.args(words.split(' ')).kill_on_drop(true);
    let output = command.output().await.context("run redis-benchmark")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let Some([rate, p50, p99]) = parse(&text) else {
        bail!(
            "redis-benchmark said: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let each = |before: u64, after: u64| after.saturating_sub(before) as f64 / f64::from(*requests);
    row.per_second.push(rate);
    row.p50_ms.push(p50);
    row.p99_ms.push(p99);
    row.agent_micros
        .push(each(before.0, micros(primary.agent_pid)));
    row.server_micros
        .push(each(before.1, micros(primary.server_pid)));
    Ok(())
}

/// Rate, median and 99th percentile of `"SET","51000.00","0.5","0.1","0.6","1.2","2.1","9.0"`.
fn parse(csv: &str) -> Option<[f64; 3]> {
    let last = csv.lines().next_back()?;
    let field = |index| -> Option<f64> {
        let text: &str = last.split("\",\"").nth(index)?;
        text.trim_matches('"').parse().ok()
    };
    Some([field(1)?, field(4)?, field(6)?])
}

/// The node that is primary.
pub(super) async fn primary(group: &Group) -> Result<NodeProcess> {
    for node in &group.nodes {
        let mut connection = Connection::open(&node.address, LIMIT)
            .await
            .map_err(|error| anyhow!("connect to {}: {error:?}", node.name))?;
        let said = connection.call(&["INFO", "replication"], LIMIT).await;
        let said = said.map_err(|error| anyhow!("ask {}: {error:?}", node.name))?;
        if said
            .as_str()
            .is_some_and(|text| text.contains("role:master"))
        {
            return Ok(node.clone());
        }
    }
    bail!("nobody is primary")
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_what_redis_benchmark_says() {
        let csv = "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_ms\",\"p99_latency_ms\",\"max\"\n\
            \"SET\",\"36812.00\",\"1.1\",\"0.2\",\"0.859\",\"2.1\",\"3.343\",\"9.0\"\n";
        assert_eq!(super::parse(csv), Some([36_812.0, 0.859, 3.343]));
        assert_eq!(super::parse(""), None);
    }
}
