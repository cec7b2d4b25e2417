//! A sentinel's pod deleted: back, voting again; clients unaffected.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use anyhow::{Context as _, ensure};

pub(super) const PROMISE: Promise = Promise {
    name: "sentinel-deleted",
    text: "a sentinel's pod deleted → back, voting again; clients unaffected",
    deadline: Some(seconds(30)),
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let writer = Writer::start(&release)?;
    let sentinel = release
        .sentinels()?
        .into_iter()
        .next()
        .context("there is no sentinel")?;
    release.delete(&sentinel.name, &[])?;
    let took = release.back(&sentinel, seconds(60))?;
    let tally = writer.finish(&release)?;
    ensure!(tally.failed == 0, "{}", tally.remark());
    Ok(Outcome::counted(took, &tally))
}
