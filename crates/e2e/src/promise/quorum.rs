//! Durability `quorum`: what was acknowledged is there, whoever dies.

use super::authority::{self, Authority};
use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::processes::signal_in_pod;
use crate::release::{GROUP, Release};
use crate::stage::Stage;
use crate::wait::{self, seconds};
use crate::writer::Writer;
use anyhow::ensure;
use nix::sys::signal::Signal;

pub(super) const POD: Promise = Promise {
    name: "quorum-primary-deleted",
    text: "quorum: the primary's pod deleted with grace 0 → nothing lost, writes again",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run: |stage| strike(&release(stage)?, delete_primary),
};

pub(super) const SERVER: Promise = Promise {
    name: "quorum-server-killed",
    text: "quorum: the server killed inside the primary's pod → nothing lost, writes again",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run: |stage| {
        strike(&release(stage)?, |release| {
            signal_in_pod(&release.primary()?, "valkey-server", Signal::SIGKILL)
        })
    },
};

pub(super) const ENCRYPTED: Promise = Promise {
    name: "quorum-encrypted",
    text: "quorum with TLS: the primary's pod deleted with grace 0 → nothing lost, writes again",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run: |stage| {
        stage.clear()?;
        Authority::found()?.issue(stage, "e2e")?;
        let values = ["durability=quorum", "syncReplicas=1"];
        strike(&authority::encrypted(stage, &values)?, delete_primary)
    },
};

pub(super) const RAISED: Promise = Promise {
    name: "quorum-raised",
    text: "helm upgrade of a running release from async to quorum and back → in steps, the promise itself without a restart; pause < 1 s, nothing lost",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run: raised,
};

/// With four Redis pods on three machines two may go at once, so two replicas acknowledge.
pub(super) fn release(stage: &Stage) -> anyhow::Result<Release> {
    stage.whole("strict", &["durability=quorum", "syncReplicas=2"])
}

fn delete_primary(release: &Release) -> anyhow::Result<()> {
    let primary = release.primary()?;
    release.delete(&primary.name, &["--grace-period=0", "--force"])
}

fn strike(release: &Release, fault: fn(&Release) -> anyhow::Result<()>) -> anyhow::Result<Outcome> {
    let writer = Writer::start(release)?;
    writer.go_on(seconds(1))?;
    fault(release)?;
    writer.go_on(seconds(3))?;
    release.whole(seconds(60))?;
    Ok(Outcome::paused(&writer.finish(release)?))
}

fn raised(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let writer = Writer::start(&release)?;
    ensure!(
        release.upgrade(&["durability=quorum"]).is_err(),
        "quorum was taken by pods that have no gate"
    );
    release.upgrade(&["gate=true"])?;
    release.whole(seconds(180))?;
    let gated = release.pods("")?;
    for durability in ["quorum", "async"] {
        let value = format!("durability={durability}");
        release.upgrade(&["gate=true", &value])?;
        release.hasten()?;
        wait::until(&value, seconds(100), || promises(&release, durability))?;
        writer.go_on(seconds(2))?;
    }
    release.not_restarted(&gated)?;
    Ok(Outcome::paused(&writer.finish(&release)?))
}

/// Whether the group has that durability, as its sentinels say.
fn promises(release: &Release, durability: &str) -> anyhow::Result<()> {
    let sentinel = release.service("sentinel", 26379)?;
    let status = release
        .access
        .ask(&sentinel, &["HOLDFAST", "STATUS", GROUP])?;
    let wanted = format!("\"durability\":\"{durability}\"");
    ensure!(status.contains(&wanted), "it is not {durability} yet");
    Ok(())
}
