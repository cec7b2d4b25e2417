//! What every pod of a release decided, merged.

mod line;

use super::cluster::{Cluster, failure};
use super::release::{Release, main_container};
use crate::exit::{Exit, Failure, Outcome};
use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::LogParams;
use line::Line;
use std::io::Write as _;

/// Newest lines of each container that are looked at.
const LINES_MAX: i64 = 20_000;

/// Bytes of each container that are looked at.
const BYTES_MAX: i64 = 16 << 20;

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// Only what is newer than this, for example 30s, 15m, 2h. Default: everything that the cluster still has.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    since: Option<i64>,
    /// Every line of the logs, not only decisions, warnings and errors.
    #[arg(long)]
    all: bool,
    /// Print JSON, a line each.
    #[arg(long)]
    json: bool,
}

pub(super) async fn show(cluster: &Cluster, release: &Release, args: &LogsArgs) -> Outcome {
    let mut lines = Vec::new();
    for pod in &release.pods {
        for text in texts(cluster, pod, args).await? {
            lines.extend(
                text.lines()
                    .filter_map(|line| Line::parse(&pod.name_any(), line)),
            );
        }
    }
    let merged = line::merge(lines, args.all);
    let mut out = std::io::stdout().lock();
    for line in merged {
        let text = if args.json {
            json(&line)?
        } else {
            line.to_string()
        };
        // A reader that has gone (`| head`) has seen enough.
        if writeln!(out, "{text}").is_err() {
            break;
        }
    }
    Ok(Exit::Ok)
}

fn json(line: &Line) -> Result<String, Failure> {
    serde_json::to_string(line).map_err(|error| Failure::new(Exit::Failed, error))
}

/// The logs of a pod: those of the container's last run too, where it was restarted.
async fn texts(cluster: &Cluster, pod: &Pod, args: &LogsArgs) -> Result<Vec<String>, Failure> {
    let (name, container) = (
        pod.name_any(),
        main_container(pod).map(|main| main.name.clone()),
    );
    let statuses = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    let restarted = statuses
        .filter(|status| Some(&status.name) == container.as_ref())
        .any(|status| status.restart_count > 0);
    let wish = |previous| LogParams {
        container: container.clone(),
        previous,
        since_seconds: args.since,
        tail_lines: Some(LINES_MAX),
        limit_bytes: Some(BYTES_MAX),
        timestamps: true,
        ..LogParams::default()
    };
    let mut texts = Vec::new();
    if restarted {
        // It may be gone by now.
        texts.extend(cluster.pods().logs(&name, &wish(true)).await.ok());
    }
    match cluster.pods().logs(&name, &wish(false)).await {
        Ok(text) => texts.push(text),
        // A pod that has not started has none.
        Err(kube::Error::Api(status)) if status.code == 400 => {}
        Err(error) => return Err(failure(&format!("read the log of {name}"), &error)),
    }
    Ok(texts)
}

/// `90`, `90s`, `15m`, `2h`, `1d`
fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no time: write 30s, 15m, 2h or 1d");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: i64 = digits.parse().map_err(|_| wrong())?;
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    count
        .checked_mul(unit)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(seconds("15m"), Ok(900));
        assert_eq!(seconds("90"), Ok(90));
        for wrong in ["", "m", "0s", "-5m", "3w", "1.5h"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
