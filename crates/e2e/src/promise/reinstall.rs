//! Uninstalled and installed again under the same name: the volumes and the data are taken over.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use std::time::Instant;

pub(super) const PROMISE: Promise = Promise {
    name: "reinstall",
    text: "helm uninstall, helm install under the same name → the volumes are taken over with the data",
    deadline: Some(seconds(60)),
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let writer = Writer::start(&release)?;
    writer.go_on(seconds(1))?;
    let begin = Instant::now();
    release.uninstall()?;
    let uninstalled = begin.elapsed().as_secs_f64();
    release.install()?;
    release.whole(seconds(90))?;
    let took = begin.elapsed();
    // Clients ask for the sentinels' Service by name; this one keeps an address, and the new Service has another.
    let tally = writer.finish(&release)?;
    Ok(Outcome::counted(took, &tally).saying(format!("uninstalled in {uninstalled:.1} s")))
}
