//! The password changed by `helm upgrade`: no restart.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::{self, seconds};
use crate::writer::Writer;

pub(super) const PROMISE: Promise = Promise {
    name: "change-password",
    text: "change of the password → no restart, nothing lost",
    deadline: None,
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    stage.clear()?;
    let mut release = stage.release(
        "secret",
        &[
            "auth.enabled=true",
            "auth.password=first-word",
            "slaveReplicaCount=2",
        ],
    );
    release.access.password = Some("first-word".into());
    release.install()?;
    release.whole(seconds(60))?;
    let before = release.pods("")?;
    let writer = Writer::start(&release)?;
    writer.go_on(seconds(1))?;
    release.upgrade(&["auth.password=second-word"])?;
    release.hasten()?;
    let mut new = release.clone();
    new.access.password = Some("second-word".into());
    let took = wait::until("the new password is taken everywhere", seconds(100), || {
        for pod in new.nodes()? {
            new.access.ask(&format!("{}:6379", pod.ip), &["PING"])?;
        }
        new.is_whole()
    })?;
    // Connections that are open stay; new ones need the new word.
    let refused = release
        .access
        .ask(&new.primary_address()?, &["PING"])
        .is_err();
    anyhow::ensure!(refused, "the old password is still taken");
    new.not_restarted(&before)?;
    let logs = writer.finish(&new)?;
    Ok(Outcome::counted(took, &logs))
}
