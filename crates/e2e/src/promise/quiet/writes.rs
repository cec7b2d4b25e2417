//! How often Holdfast has written to the API server, as the API server and its objects tell.

use crate::release::Release;
use anyhow::Context as _;
use serde_json::Value;
use std::ops::Sub;

/// Numbers that only grow: writes by Holdfast, and by nobody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Writes {
    /// Patches of pods themselves; kubelets patch their `status`.
    labels: u64,
    /// Versions of the primary's endpoints.
    endpoints: u64,
    /// Events told.
    pub(super) events: u64,
}

impl Writes {
    /// All until now.
    pub(super) fn of(release: &Release) -> anyhow::Result<Self> {
        let kubectl = release.kubectl();
        let slice = format!("{}-primary-holdfast", release.full_name());
        let slice = kubectl.get(&["endpointslice", &slice])?;
        Ok(Self {
            labels: patches(&kubectl.run(&["get", "--raw", "/metrics"])?)?,
            endpoints: slice["metadata"]["generation"]
                .as_u64()
                .context("the primary's endpoints have no generation")?,
            events: events(release)?.len() as u64,
        })
    }

    /// All together.
    pub(super) fn sum(self) -> u64 {
        self.labels + self.endpoints + self.events
    }
}

impl Sub for Writes {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            labels: self.labels.saturating_sub(before.labels),
            endpoints: self.endpoints.saturating_sub(before.endpoints),
            events: self.events.saturating_sub(before.events),
        }
    }
}

/// The API server's count of patches of pods, whatever came of them.
fn patches(metrics: &str) -> anyhow::Result<u64> {
    let is_counted = |line: &&str| {
        [
            "apiserver_request_total{",
            "resource=\"pods\"",
            "subresource=\"\"",
            "verb=\"PATCH\"",
        ]
        .iter()
        .all(|part| line.contains(part))
    };
    let value = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
    let counts = metrics.lines().filter(is_counted).map(value);
    let sum: Option<f64> = counts.sum();
    Ok(sum.context("the API server's metrics hold no number")? as u64)
}

/// What Holdfast told, oldest first.
pub(super) fn events(release: &Release) -> anyhow::Result<Vec<String>> {
    let all = release
        .kubectl()
        .get(&["events", "--sort-by=.metadata.creationTimestamp"])?;
    let is_ours = |event: &&Value| {
        let by = text(&event["reportingComponent"]) + &text(&event["source"]["component"]);
        by.contains("holdfast")
            && text(&event["involvedObject"]["name"]).starts_with(&release.full_name())
    };
    let items = all["items"].as_array().map(Vec::as_slice);
    Ok(items
        .unwrap_or_default()
        .iter()
        .filter(is_ours)
        .map(|event| format!("{}: {}", text(&event["reason"]), text(&event["message"])))
        .collect())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_patches_of_pods_themselves_count() {
        let line = |resource: &str, sub: &str, verb: &str, count: &str| {
            format!(
                "apiserver_request_total{{code=\"200\",resource=\"{resource}\",subresource=\"{sub}\",verb=\"{verb}\"}} {count}\n"
            )
        };
        let text = line("pods", "", "PATCH", "3")
            + &line("pods", "status", "PATCH", "50")
            + &line("pods", "", "GET", "70")
            + &line("nodes", "", "PATCH", "9")
            + &line("pods", "", "PATCH", "1e+00");
        assert_eq!(patches(&text).unwrap(), 4);
    }
}
