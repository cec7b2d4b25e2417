//! Another image and back again: one pod after the other, the primary by handoff.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::release::Release;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use std::time::Instant;

pub(super) const PROMISE: Promise = Promise {
    name: "image-upgrade",
    text: "helm upgrade to another image, helm rollback → all pods replaced by rolling handoff, pause < 1 s, nothing lost",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let writer = Writer::start(&release)?;
    let image = format!("image={}", stage.images.other);
    let there = roll(&release, || release.upgrade(&[&image]))?;
    let back = roll(&release, || release.roll_back())?;
    let tally = writer.finish(&release)?;
    Ok(Outcome::paused(&tally).saying(format!("upgrade {there:.0} s, rollback {back:.0} s")))
}

/// Seconds until all pods are others, and all is well.
fn roll(release: &Release, change: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let (before, began) = (release.pods("")?, Instant::now());
    change()?;
    for pod in before {
        release.replaced(&pod, seconds(180))?;
    }
    release.whole(seconds(60))?;
    Ok(began.elapsed().as_secs_f64())
}
