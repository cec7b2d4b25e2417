//! The primary's pod deleted with grace: a handoff.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;

pub(super) const PROMISE: Promise = Promise {
    name: "primary-deleted",
    text: "the primary's pod deleted gracefully → handoff: pause < 1 s, nothing lost",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let writer = Writer::start(&release)?;
    let primary = release.primary()?;
    release.delete(&primary.name, &[])?;
    let switched = release.service_leaves(&primary, seconds(10))?;
    release.back(&primary, seconds(60))?;
    let tally = writer.finish(&release)?;
    Ok(Outcome::paused(&tally).saying(switched))
}
