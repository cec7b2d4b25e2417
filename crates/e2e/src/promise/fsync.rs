//! Durability `fsync`: what was acknowledged is there, though everything died at once.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::processes::signal_in_pod;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use nix::sys::signal::Signal;
use std::time::Instant;

pub(super) const PROMISE: Promise = Promise {
    name: "fsync-all-killed",
    text: "fsync: every server, agent and sentinel killed at once → back by itself, nothing lost",
    deadline: Some(seconds(60)),
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let values = ["durability=fsync", "syncReplicas=1", "slaveReplicaCount=2"];
    let release = stage.whole("synced", &values)?;
    let writer = Writer::start(&release)?;
    writer.go_on(seconds(1))?;
    let begin = Instant::now();
    for pod in release.nodes()? {
        signal_in_pod(&pod, "valkey-server", Signal::SIGKILL)?;
    }
    for pod in release.pods("")? {
        // The first process of its container, with its watchdog.
        signal_in_pod(&pod, "holdfast", Signal::SIGKILL)?;
    }
    writer.go_on(seconds(1))?;
    release.whole(seconds(90))?;
    let took = begin.elapsed();
    let tally = writer.finish(&release)?;
    Ok(Outcome::well_after(took, &tally))
}
