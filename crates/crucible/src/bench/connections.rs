//! Memory of a sentinel with many idle client connections.

use crate::bench::figures::{CostFigures, Figures};
use crate::client::Connection;
use crate::drill::Stage;
use crate::options::BenchOptions;
use crate::target::process::usage;
use anyhow::{Context, Result, anyhow};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::path::Path;
use std::time::Duration;

const CONNECTIONS: usize = 10_000;
const LIMIT: Duration = Duration::from_secs(5);

/// Opens them to one sentinel, lets each ask once, and looks.
pub async fn measure(options: &BenchOptions, dir: &Path, figures: &mut Figures) -> Result<()> {
    raise_file_limit(CONNECTIONS as u64 + 500)?;
    for against in options.systems() {
        let mut stage = Stage::new(
            &options.group,
            &dir.join(format!("connections-{against}")),
            false,
            false,
        );
        let group = stage.system(against).await?.group()?;
        let sentinel = group.sentinels.first().context("find a sentinel")?;
        let pid = sentinel.pid.context("find the sentinel's pid")?;
        let mut open = Vec::with_capacity(CONNECTIONS);
        for number in 0..CONNECTIONS {
            let connection = connect(&sentinel.address, &group.group).await;
            open.push(connection.with_context(|| format!("open connection {}", number + 1))?);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let rss = usage(pid).context("read the sentinel's memory")?.rss_bytes as f64 / 1_048_576.0;
        eprintln!(
            "    {} idle connections {against:<8} {rss:>6.1} MiB",
            open.len()
        );
        figures.put_cost(CostFigures {
            against,
            role: "sentinel".to_owned(),
            state: format!("{CONNECTIONS} idle connections"),
            rss_mib: rss,
            cpu_percent: None,
        });
        drop(open);
        stage.stop().await?;
    }
    Ok(())
}

async fn connect(address: &str, group: &str) -> Result<Connection> {
    let mut connection = Connection::open(address, LIMIT)
        .await
        .map_err(|error| anyhow!("{error:?}"))?;
    let command = ["SENTINEL", "get-master-addr-by-name", group];
    connection
        .call(&command, LIMIT)
        .await
        .map_err(|error| anyhow!("{error:?}"))?;
    Ok(connection)
}

/// Sentinels started from now on inherit the limit.
fn raise_file_limit(wanted: u64) -> Result<()> {
    let (soft, hard) =
        getrlimit(Resource::RLIMIT_NOFILE).context("read the limit of open files")?;
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard)
            .context("raise the limit of open files")?;
    }
    Ok(())
}
