//! All pods deleted at once: everything comes back by itself, with all data.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use std::time::Instant;

pub(super) const REDIS: Promise = Promise {
    name: "all-redis-pods-deleted",
    text: "all Redis pods deleted at once → back with all data",
    deadline: Some(seconds(60)),
    loss: Loss::None,
    run: |stage| run(stage, "node"),
};

pub(super) const ALL: Promise = Promise {
    name: "all-pods-deleted",
    text: "all pods of the release deleted at once → back with all data, right primary",
    deadline: Some(seconds(60)),
    loss: Loss::None,
    run: |stage| run(stage, ""),
};

fn run(stage: &Stage, component: &str) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let writer = Writer::start(&release)?;
    writer.go_on(seconds(1))?;
    let begin = Instant::now();
    let gone = release.pods(component)?;
    release.kubectl().run(&[
        "delete",
        "pod",
        "--wait=false",
        "-l",
        &release.selector(component),
    ])?;
    for pod in gone {
        release.replaced(&pod, seconds(90))?;
    }
    release.whole(seconds(90))?;
    let took = begin.elapsed();
    let tally = writer.finish(&release)?;
    Ok(Outcome::well_after(took, &tally))
}
