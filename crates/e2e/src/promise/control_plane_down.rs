//! API server, controller manager and DNS gone: failover does not need them.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::processes::signal_in_pod;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use nix::sys::signal::Signal;

pub(super) const PROMISE: Promise = Promise {
    name: "control-plane-down",
    text: "API server, DNS and controller manager down: failover still happens",
    deadline: Some(seconds(1)),
    loss: Loss::Counted,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let primary = release.primary()?;
    let writer = Writer::start(&release)?;
    let frozen = stage.ground().freeze_control_plane()?;
    // Long enough that nobody lives on what was asked just before.
    writer.go_on(seconds(3))?;
    signal_in_pod(&primary, "valkey-server", Signal::SIGKILL)?;
    writer.go_on(seconds(4))?;
    drop(frozen);
    let switched = release.service_leaves(&primary, seconds(30))?;
    release.whole(seconds(90))?;
    let tally = writer.finish(&release)?;
    Ok(Outcome::paused(&tally).saying(format!("after the API was back: {switched}")))
}
