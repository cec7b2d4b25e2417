//! Certificates renewed in their Secret: no restart, and nothing is lost.

use super::authority::{self, Authority};
use super::{Loss, Promise};
use crate::command;
use crate::outcome::Outcome;
use crate::release::Release;
use crate::stage::Stage;
use crate::wait::{self, seconds};
use crate::writer::Writer;
use anyhow::ensure;
use std::process::Command;

pub(super) const PROMISE: Promise = Promise {
    name: "rotate-certificates",
    text: "certificates renewed in their Secret → shown by every server and sentinel, no restart, nothing lost",
    deadline: None,
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    stage.clear()?;
    let authority = Authority::found()?;
    authority.issue(stage, "first")?;
    let release = authority::encrypted(stage, &[])?;
    let before = release.pods("")?;
    let writer = Writer::start(&release)?;
    let second = authority.issue(stage, "second")?;
    release.hasten()?;
    let took = wait::until(
        "the new certificate is shown everywhere",
        seconds(100),
        || shown_everywhere(&release, &second),
    )?;
    release.whole(seconds(20))?;
    release.not_restarted(&before)?;
    let tally = writer.finish(&release)?;
    Ok(Outcome::counted(took, &tally))
}

fn shown_everywhere(release: &Release, certificate: &str) -> anyhow::Result<()> {
    for (component, port) in [("node", 6379), ("sentinel", 26379)] {
        for pod in release.pods(component)? {
            let mut client = Command::new("openssl");
            client.args(["s_client", "-connect", &format!("{}:{port}", pod.ip)]);
            let said = command::run(&client, seconds(5), Some(""))?;
            ensure!(
                said.contains(certificate.trim()),
                "{} shows another certificate",
                pod.name
            );
        }
    }
    Ok(())
}
