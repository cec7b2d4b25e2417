//! What idle processes cost.

use crate::bench::figures::{CostFigures, Figures};
use crate::drill::Stage;
use crate::options::BenchOptions;
use crate::target::process::{Usage, usage};
use crate::target::{Against, Group};
use anyhow::Result;
use std::path::Path;
use std::time::{Duration, Instant};

/// Long enough that a tick of 10 ms is a tenth of a percent.
const SPAN: Duration = Duration::from_secs(20);
/// What happens at start does not count.
const CALM: Duration = Duration::from_secs(5);

/// Looks at every sentinel and agent, one system at a time.
pub async fn measure(options: &BenchOptions, dir: &Path, figures: &mut Figures) -> Result<()> {
    for against in options.systems() {
        let mut stage = Stage::new(
            &options.group,
            &dir.join(format!("idle-{against}")),
            false,
            false,
        );
        let group = stage.system(against).await?.group()?;
        tokio::time::sleep(CALM).await;
        for cost in observe(against, &group).await {
            eprintln!(
                "    idle {:<8} {against:<8} {:>6.1} MiB, {:.2} % of a core",
                cost.role,
                cost.rss_mib,
                cost.cpu_percent.unwrap_or_default()
            );
            figures.put_cost(cost);
        }
        stage.stop().await?;
    }
    Ok(())
}

async fn observe(against: Against, group: &Group) -> Vec<CostFigures> {
    let sentinels: Vec<i32> = group
        .sentinels
        .iter()
        .filter_map(|sentinel| sentinel.pid)
        .collect();
    let agents: Vec<i32> = group
        .nodes
        .iter()
        .filter_map(|node| node.agent_pid)
        .collect();
    let roles = [("sentinel", sentinels), ("agent", agents)];
    let look = |pids: &[i32]| {
        pids.iter()
            .filter_map(|pid| usage(*pid))
            .collect::<Vec<_>>()
    };
    let before: Vec<Vec<Usage>> = roles.iter().map(|(_, pids)| look(pids)).collect();
    let start = Instant::now();
    tokio::time::sleep(SPAN).await;
    let span = start.elapsed().as_micros() as f64;
    let mut costs = vec![];
    for ((role, pids), before) in roles.iter().zip(before) {
        let after = look(pids);
        let shares = after
            .iter()
            .zip(&before)
            .map(|(after, before)| after.cpu_micros.saturating_sub(before.cpu_micros));
        let (Some(most_cpu), Some(most_rss)) = (
            shares.max(),
            after.iter().map(|usage| usage.rss_bytes).max(),
        ) else {
            continue;
        };
        costs.push(CostFigures {
            against,
            role: (*role).to_owned(),
            state: "idle".to_owned(),
            rss_mib: most_rss as f64 / 1_048_576.0,
            cpu_percent: Some(most_cpu as f64 * 100.0 / span),
        });
    }
    costs
}
