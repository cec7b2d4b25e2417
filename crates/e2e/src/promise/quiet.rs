//! Kubernetes is told, never asked: nothing in steady state, little when a role changes.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::release::Release;
use crate::stage::Stage;
use crate::wait::seconds;
use anyhow::ensure;
use serde_json::Value;
use std::collections::BTreeMap;
use std::thread::sleep;

pub(super) const PROMISE: Promise = Promise {
    name: "quiet",
    text: "the API server gets nothing in steady state, and one event per decision when the primary changes",
    deadline: None,
    loss: Loss::None,
    run,
};

/// Most events that one change of primary may cause.
const MOST: usize = 4;

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    sleep(seconds(3));
    let (before, told) = (versions(&release)?, events(&release)?.len());
    sleep(seconds(10));
    let after = versions(&release)?;
    ensure!(
        before == after,
        "written to without a reason: {:?}",
        changed(&before, &after)
    );
    ensure!(events(&release)?.len() == told, "events without a reason");
    let primary = release.primary()?;
    release.delete(&primary.name, &[])?;
    release.back(&primary, seconds(60))?;
    sleep(seconds(2));
    let new: Vec<String> = events(&release)?.split_off(told);
    ensure!(
        (1..=MOST).contains(&new.len()),
        "{} events of one handoff: {new:?}",
        new.len()
    );
    Ok(Outcome::default().saying(new.join(" | ")))
}

/// Versions of all that Holdfast may write: its pods and the primary Service's endpoints.
fn versions(release: &Release) -> anyhow::Result<BTreeMap<String, String>> {
    let slices = format!("kubernetes.io/service-name={}-primary", release.full_name());
    let pods = release
        .kubectl()
        .get(&["pods", "-l", &release.selector("")])?;
    let slices = release.kubectl().get(&["endpointslices", "-l", &slices])?;
    let items = [&pods, &slices]
        .into_iter()
        .filter_map(|list| list["items"].as_array())
        .flatten();
    Ok(items
        .map(|item| {
            (
                text(&item["metadata"]["name"]),
                text(&item["metadata"]["resourceVersion"]),
            )
        })
        .collect())
}

fn changed<'a>(
    before: &'a BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<&'a String> {
    before
        .iter()
        .filter(|(name, version)| after.get(*name) != Some(version))
        .map(|(name, _)| name)
        .collect()
}

/// What Holdfast told, oldest first.
fn events(release: &Release) -> anyhow::Result<Vec<String>> {
    let all = release
        .kubectl()
        .get(&["events", "--sort-by=.metadata.creationTimestamp"])?;
    let is_ours = |event: &&Value| {
        let by = text(&event["reportingComponent"]) + &text(&event["source"]["component"]);
        by.contains("holdfast")
            && text(&event["involvedObject"]["name"]).starts_with(&release.full_name())
    };
    let items = all["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Ok(items
        .iter()
        .filter(is_ours)
        .map(|event| format!("{}: {}", text(&event["reason"]), text(&event["message"])))
        .collect())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
