//! How fast a sentinel answers where the primary is, by redis-benchmark.

use crate::bench::figures::{Figures, ThroughputFigures};
use crate::drill::Stage;
use crate::options::BenchOptions;
use crate::target::Against;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::process::Command;

const RUNS: usize = 5;
const REQUESTS: &str = "200000";
const CLIENTS: &str = "50";

/// Alternates runs against the systems.
pub async fn measure(options: &BenchOptions, dir: &Path, figures: &mut Figures) -> Result<()> {
    let mut stage = Stage::new(&options.group, &dir.join("throughput"), false, false);
    let mut rates: BTreeMap<Against, Vec<f64>> = BTreeMap::new();
    for against in options.systems() {
        stage.system(against).await?;
    }
    for run in 1..=RUNS {
        for against in options.systems() {
            let group = stage.system(against).await?.group()?;
            let address = group
                .sentinels
                .first()
                .context("find a sentinel")?
                .address
                .clone();
            let rate = one_run(&address, &group.group).await?;
            eprintln!("{run:>3} get-master-addr-by-name {against:<8} {rate:>9.0} per second");
            rates.entry(against).or_default().push(rate);
        }
    }
    for (against, per_second) in rates {
        figures.put_throughput(ThroughputFigures {
            against,
            per_second,
        });
    }
    stage.stop().await
}

async fn one_run(address: &str, group: &str) -> Result<f64> {
    let (host, port) = address
        .rsplit_once(':')
        .context("read the sentinel's address")?;
    let mut command = Command::new("redis-benchmark");
    command.args([
        "-h", host, "-p", port, "-c", CLIENTS, "-n", REQUESTS, "--csv",
    ]);
    command
        .args(["SENTINEL", "get-master-addr-by-name", group])
        .kill_on_drop(true);
    let output = command.output().await.context("run redis-benchmark")?;
    let text = String::from_utf8_lossy(&output.stdout);
    match parse(&text) {
        Some(rate) => Ok(rate),
        None => bail!(
            "redis-benchmark said: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// The second field of the last line: `"SENTINEL …","46620.05",…`.
fn parse(csv: &str) -> Option<f64> {
    let line = csv
        .lines()
        .rev()
        .find(|line| line.starts_with("\"SENTINEL"))?;
    line.split("\",\"").nth(1)?.trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_the_rate() {
        let csv = "\"test\",\"rps\",\"avg_latency_ms\"\n\"SENTINEL get-master-addr-by-name mymaster\",\"46620.05\",\"0.1\"\n";
        assert_eq!(super::parse(csv), Some(46620.05));
        assert_eq!(super::parse("\"test\",\"rps\"\n"), None);
    }
}
