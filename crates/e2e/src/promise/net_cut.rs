//! The primary's node cut off, with clients still inside that talk to it.

use super::{Loss, Promise};
use crate::ground::Cut;
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::{self, seconds};
use crate::writer::{Place, Tally, Writer, first_after, last};
use anyhow::{Context as _, ensure};
use std::time::Instant;

pub(super) const PROMISE: Promise = Promise {
    name: "net-cut",
    text: "node cut off with clients on the old primary → it stops acknowledging before the new one starts; healed → rejoins, nothing of the new history lost",
    deadline: Some(seconds(2)),
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let primary = release.primary()?;
    let old = format!("{}:6379", primary.ip);
    let inside = Place {
        network: Some(stage.ground().network(&primary.node)?),
        fixed: Some(old.clone()),
    };
    let before = Writer::start(&release)?;
    let inside = Writer::start_at(&release, &inside)?;
    let begin = Instant::now();
    let cut = Cut::begin(stage.ground(), &primary.node)?;
    wait::until("another primary", seconds(20), || {
        ensure!(
            release.primary_address()? != old,
            "it is still the one that is cut off"
        );
        Ok(())
    })?;
    // Only what the new primary acknowledges is of the new history.
    let after = Writer::start(&release)?;
    after.go_on(seconds(2))?;
    drop(cut);
    release.whole(seconds(90))?;
    let (inside, outside) = (inside.stop()?, before.stop()?);
    let stopped = last(&inside).context("no client inside wrote")?;
    let resumed = first_after(&outside, begin).context("nobody writes outside")?;
    let tally = after.finish(&release)?;
    // As clients outside saw it: when the cut came exactly, nobody knows.
    let pause = Tally::of(begin, &outside, &[]).pause;
    ensure!(
        stopped < resumed,
        "the old primary acknowledged {:?} after the new one had begun",
        stopped - resumed
    );
    let remark = format!(
        "the old primary had stopped {:.3} s before the new one began",
        (resumed - stopped).as_secs_f64()
    );
    Ok(Outcome::counted(pause, &tally).saying(remark))
}
