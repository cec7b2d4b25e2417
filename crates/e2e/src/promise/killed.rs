//! A process killed inside the primary's pod.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::processes::signal_in_pod;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use nix::sys::signal::Signal;

pub(super) const SERVER: Promise = Promise {
    name: "server-killed",
    text: "redis-server killed inside the primary's pod → a new primary accepts writes",
    deadline: Some(seconds(1)),
    loss: Loss::Counted,
    // The server of the default image.
    run: |stage| run(stage, "valkey-server"),
};

pub(super) const AGENT: Promise = Promise {
    name: "agent-killed",
    text: "the agent killed inside the primary's pod → a new primary accepts writes",
    deadline: Some(seconds(1)),
    loss: Loss::Counted,
    // PID 1 and its watchdog.
    run: |stage| run(stage, "holdfast"),
};

fn run(stage: &Stage, program: &str) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let writer = Writer::start(&release)?;
    let primary = release.primary()?;
    signal_in_pod(&primary, program, Signal::SIGKILL)?;
    let switched = release.service_leaves(&primary, seconds(10))?;
    release.whole(seconds(60))?;
    let tally = writer.finish(&release)?;
    Ok(Outcome::paused(&tally).saying(switched))
}
