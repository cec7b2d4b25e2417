//! Two releases side by side, both with the group `mymaster`, whose pods get each other's former addresses.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::release::Release;
use crate::stage::Stage;
use crate::wait::seconds;
use anyhow::{Context as _, ensure};
use std::collections::BTreeSet;

pub(super) const PROMISE: Promise = Promise {
    name: "two-releases",
    text: "two releases, addresses reused, same group name → never mix",
    deadline: None,
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    stage.clear()?;
    let small = ["slaveReplicaCount=1", "resources.requests.cpu=10m"];
    let releases = ["one", "two"].map(|name| stage.release(name, &small));
    for release in &releases {
        release.install()?;
    }
    for release in &releases {
        release.whole(seconds(60))?;
        release.access.ask(
            &release.primary_address()?,
            &["SET", "whose", &release.name],
        )?;
    }
    let mut reused = 0;
    for _ in 0..2 {
        reused += swap_addresses(stage, &releases)?;
        for release in &releases {
            is_itself(release)?;
        }
    }
    ensure!(
        reused > 0,
        "no address was reused by the other release: nothing was put to the test"
    );
    Ok(Outcome::default().saying(format!("{reused} addresses changed hands")))
}

/// Deletes all pods of both at once, so that new ones get the lowest addresses again. Returns how many changed hands.
fn swap_addresses(stage: &Stage, releases: &[Release; 2]) -> anyhow::Result<usize> {
    let before = addresses(releases)?;
    let all: Vec<_> = releases
        .iter()
        .map(|release| release.pods(""))
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    for node in all.iter().map(|pod| &pod.node).collect::<BTreeSet<_>>() {
        stage.ground().reuse_addresses(node)?;
    }
    stage
        .kubectl
        .run(&["delete", "pod", "--all", "--wait=false", "--grace-period=1"])?;
    for release in releases {
        for pod in all
            .iter()
            .filter(|pod| pod.name.starts_with(&format!("{}-", release.name)))
        {
            release.replaced(pod, seconds(60))?;
        }
    }
    for release in releases {
        release
            .whole(seconds(90))
            .with_context(|| release.name.clone())?;
    }
    let after = addresses(releases)?;
    Ok(after[0].intersection(&before[1]).count() + after[1].intersection(&before[0]).count())
}

fn addresses(releases: &[Release; 2]) -> anyhow::Result<Vec<BTreeSet<String>>> {
    let of = |release: &Release| Ok(release.pods("")?.into_iter().map(|pod| pod.ip).collect());
    releases.iter().map(of).collect()
}

/// Every node has the data of its own release, and its sentinels lead to one of its own pods.
fn is_itself(release: &Release) -> anyhow::Result<()> {
    release.primary()?;
    for pod in release.nodes()? {
        let whose = release
            .access
            .ask(&format!("{}:6379", pod.ip), &["GET", "whose"])?;
        ensure!(
            whose == release.name,
            "{} of {} has the data of {whose:?}",
            pod.name,
            release.name
        );
    }
    Ok(())
}
