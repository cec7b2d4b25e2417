//! `helm install` without any values: all pods ready, the documented commands answer, each replica serves reads.

use super::{Loss, Promise};
use crate::client::Access;
use crate::command;
use crate::outcome::Outcome;
use crate::release::Release;
use crate::stage::Stage;
use crate::wait::{self, seconds};
use anyhow::{Context as _, ensure};
use std::process::Command;
use std::time::Instant;

pub(super) const PROMISE: Promise = Promise {
    name: "install",
    text: "helm install → all pods ready, the documented client command answers, write on the primary, read on each replica",
    deadline: Some(seconds(30)),
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    stage.clear()?;
    let release = stage.release("my-release", &[]);
    let begin = Instant::now();
    release.install()?;
    release.whole(seconds(60))?;
    client_command(&release)?;
    write_and_read(&release)?;
    let took = begin.elapsed();
    services(&release)?;
    release.test().context("helm test")?;
    Ok(Outcome::took(took))
}

/// The command that the chart's first documentation gave to clients, word for word.
fn client_command(release: &Release) -> anyhow::Result<()> {
    let script = "master=$(redis-cli -h ${REDIS_SENTINEL_SERVICE_HOST} -p ${REDIS_SENTINEL_SERVICE_PORT} --csv SENTINEL get-master-addr-by-name mymaster | tr ',' ' ' | cut -d' ' -f1); echo $master";
    let address = release.service("sentinel", 26379)?;
    let (host, port) = address.split_once(':').context("no port")?;
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .env("REDIS_SENTINEL_SERVICE_HOST", host)
        .env("REDIS_SENTINEL_SERVICE_PORT", port);
    let said = command::run(&shell, seconds(5), None)?;
    let primary = release.primary()?.ip;
    ensure!(
        said.trim().trim_matches('"') == primary,
        "the client command says {said:?}, the primary is {primary}"
    );
    Ok(())
}

fn write_and_read(release: &Release) -> anyhow::Result<()> {
    let access = &release.access;
    let primary = release.primary_address()?;
    access.ask(&primary, &["SET", "e2e:install", "yes"])?;
    for pod in release.nodes()? {
        let address = format!("{}:6379", pod.ip);
        wait::until(&format!("{} has the write", pod.name), seconds(5), || {
            reads(access, &address)
        })?;
    }
    Ok(())
}

fn reads(access: &Access, address: &str) -> anyhow::Result<()> {
    let found = access.ask(address, &["GET", "e2e:install"])?;
    ensure!(found == "yes", "{address} has {found:?}");
    Ok(())
}

/// Clients that know no Sentinel: one Service leads to the primary, one to replicas.
fn services(release: &Release) -> anyhow::Result<()> {
    for (suffix, role) in [("primary", "master"), ("replica", "slave")] {
        let service = release.service(suffix, 6379)?;
        wait::until(
            &format!("the Service {suffix} leads to a {role}"),
            seconds(5),
            || {
                let found = release
                    .access
                    .replication(&service)?
                    .field("role")
                    .to_owned();
                ensure!(found == role, "it leads to a {found}");
                Ok(())
            },
        )?;
    }
    Ok(())
}
