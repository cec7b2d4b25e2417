//! Every Kubernetes node drained in turn, under load.

use super::{Loss, Promise, empty_dir};
use crate::outcome::Outcome;
use crate::release::Release;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::time::Instant;

pub(super) const PROMISE: Promise = Promise {
    name: "drain",
    text: "every node drained in turn under load → nothing lost",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run,
};

/// Local volumes would tie pods to the drained node, so this is about pods without volumes: the harder case.
fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let image = format!("image={}", stage.images.redis);
    let release = stage.whole(empty_dir::NAME, &["persistence.enabled=false", &image])?;
    let nodes: BTreeSet<String> = release.pods("")?.into_iter().map(|pod| pod.node).collect();
    let (writer, begin) = (Writer::start(&release)?, Instant::now());
    for node in &nodes {
        let drained = drain(&release, node);
        release.kubectl().run(&["uncordon", node])?;
        drained.with_context(|| format!("draining {node}"))?;
        release.whole(seconds(60))?;
    }
    let tally = writer.finish(&release)?;
    Ok(Outcome::paused(&tally).saying(format!(
        "{} nodes in {:.0} s",
        nodes.len(),
        begin.elapsed().as_secs_f64()
    )))
}

fn drain(release: &Release, node: &str) -> anyhow::Result<()> {
    let words = [
        "drain",
        node,
        "--ignore-daemonsets",
        "--delete-emptydir-data",
        "--timeout=80s",
    ];
    release
        .kubectl()
        .run_within(seconds(90), &words)
        .map(|_| ())
}
