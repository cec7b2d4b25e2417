//! The primary and a sentinel die with their Kubernetes node, without a word.

use super::{Loss, Promise};
use crate::ground::Stopped;
use crate::outcome::Outcome;
use crate::release::Release;
use crate::stage::Stage;
use crate::wait::{self, seconds};
use crate::writer::Writer;
use anyhow::ensure;

pub(super) const PROMISE: Promise = Promise {
    name: "node-lost",
    text: "the primary and a sentinel on the same node die with it → a new primary accepts writes; the node returns, all is well",
    deadline: Some(seconds(2)),
    loss: Loss::Counted,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let primary = release.primary()?;
    let sentinels = on_node(&release, &primary.node)?;
    let writer = Writer::start(&release)?;
    let stopped = Stopped::begin(stage.ground(), &primary.node)?;
    wait::until("another primary", seconds(20), || {
        let now = release.primary_address()?;
        ensure!(
            now != format!("{}:6379", primary.ip),
            "it is still the lost one"
        );
        Ok(())
    })?;
    writer.go_on(seconds(1))?;
    drop(stopped);
    release.whole(seconds(90))?;
    let tally = writer.finish(&release)?;
    Ok(Outcome::paused(&tally).saying(format!("{sentinels} sentinels were on the node")))
}

fn on_node(release: &Release, node: &str) -> anyhow::Result<usize> {
    let count = release
        .sentinels()?
        .iter()
        .filter(|pod| pod.node == node)
        .count();
    ensure!(count > 0, "no sentinel is on the primary's node");
    Ok(count)
}
