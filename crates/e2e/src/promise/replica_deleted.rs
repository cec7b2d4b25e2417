//! A replica's pod deleted: back, rejoined, caught up; clients notice nothing.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use anyhow::ensure;

pub(super) const PROMISE: Promise = Promise {
    name: "replica-deleted",
    text: "a replica's pod deleted → back, rejoined, caught up; no write failed",
    deadline: Some(seconds(30)),
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let writer = Writer::start(&release)?;
    let replica = release.a_replica()?;
    release.delete(&replica.name, &[])?;
    let took = release.back(&replica, seconds(60))?;
    let tally = writer.finish(&release)?;
    ensure!(tally.failed == 0, "{}", tally.remark());
    Ok(Outcome::counted(took, &tally))
}
