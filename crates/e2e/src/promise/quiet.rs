//! Kubernetes is told, never asked: nothing in steady state, little when a role changes.

mod writes;

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use anyhow::ensure;
use std::thread::sleep;
use writes::{Writes, events};

pub(super) const PROMISE: Promise = Promise {
    name: "quiet",
    text: "the API server gets nothing in steady state, and a few writes and one event per decision when the primary changes",
    deadline: None,
    loss: Loss::None,
    run,
};

/// Most writes that one change of primary by a new pod may cause: the endpoint, a label for each of the two that change
/// and for the new pod as it starts and follows, one event for each decision.
const MOST: u64 = 8;
/// Most events of them.
const MOST_EVENTS: u64 = 4;

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    // What happened before is told within that time.
    sleep(seconds(5));
    let before = Writes::of(&release)?;
    sleep(seconds(20));
    let steady = Writes::of(&release)? - before;
    ensure!(steady.sum() == 0, "without a reason: {steady:?}");
    let (before, told) = (Writes::of(&release)?, events(&release)?.len());
    let primary = release.primary()?;
    release.delete(&primary.name, &[])?;
    release.back(&primary, seconds(60))?;
    sleep(seconds(5));
    let writes = Writes::of(&release)? - before;
    let new = events(&release)?.split_off(told);
    ensure!(
        (1..=MOST_EVENTS).contains(&writes.events) && writes.sum() <= MOST,
        "one handoff: {writes:?}, {new:?}"
    );
    Ok(Outcome::default().saying(format!("one handoff: {writes:?}, {}", new.join(" | "))))
}
