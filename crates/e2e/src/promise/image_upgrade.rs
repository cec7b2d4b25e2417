//! Another image: one pod after the other, the primary by handoff.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use std::time::Instant;

pub(super) const PROMISE: Promise = Promise {
    name: "image-upgrade",
    text: "helm upgrade to another image → all pods replaced by rolling handoff, pause < 1 s, nothing lost",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let mut release = stage.standard()?;
    let before = release.pods("")?;
    let writer = Writer::start(&release)?;
    let begin = Instant::now();
    release.upgrade(&[&format!("image={}", stage.images.other)])?;
    for pod in before {
        release.replaced(&pod, seconds(180))?;
    }
    release.whole(seconds(60))?;
    let tally = writer.finish(&release)?;
    Ok(Outcome::paused(&tally).saying(format!(
        "the roll took {:.0} s",
        begin.elapsed().as_secs_f64()
    )))
}
