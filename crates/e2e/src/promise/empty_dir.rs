//! No volumes: the primary's pod comes back empty, and nobody is wiped.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;

pub(super) const PROMISE: Promise = Promise {
    name: "empty-dir",
    text: "emptyDir: the primary's pod recreated empty → data kept, a new primary accepts writes",
    deadline: Some(seconds(1)),
    loss: Loss::Counted,
    run,
};

/// The release without volumes, on the distribution's Redis.
pub(super) const NAME: &str = "cache";

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let image = format!("image={}", stage.images.redis);
    let release = stage.whole(NAME, &["persistence.enabled=false", &image])?;
    let old = Writer::start(&release)?;
    old.go_on(seconds(1))?;
    let old_logs = old.finish(&release)?;
    let writer = Writer::start(&release)?;
    let primary = release.primary()?;
    release.delete(&primary.name, &["--grace-period=0", "--force"])?;
    release.back(&primary, seconds(60))?;
    let tally = writer.finish(&release)?;
    let size = release
        .access
        .ask(&release.primary_address()?, &["DBSIZE"])?;
    anyhow::ensure!(
        size.parse::<usize>()? >= old_logs.acknowledged,
        "only {size} keys are left"
    );
    Ok(Outcome::paused(&tally).saying(format!("{size} keys kept")))
}
