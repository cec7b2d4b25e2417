//! the agent killed inside the primary's pod.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::processes::signal_in_pod;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use nix::sys::signal::Signal;

/// PID 1 and its watchdog.
const PROGRAM: &str = "holdfast";

pub(super) const PROMISE: Promise = Promise {
    name: "agent-killed",
    text: "the agent killed inside the primary's pod → a new primary accepts writes",
    deadline: Some(seconds(1)),
    loss: Loss::Counted,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let writer = Writer::start(&release)?;
    let primary = release.primary()?;
    signal_in_pod(&primary, PROGRAM, Signal::SIGKILL)?;
    let switched = release.service_leaves(&primary, seconds(10))?;
    release.whole(seconds(60))?;
    let tally = writer.finish(&release)?;
    Ok(Outcome::paused(&tally).saying(switched))
}
