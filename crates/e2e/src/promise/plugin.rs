//! `kubectl holdfast`: the same binary, as kubectl's plugin, with nothing but the rights of whoever calls it.

use super::{Loss, Promise};
use crate::command;
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use anyhow::{Context as _, ensure};
use std::env;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;

pub(super) const PROMISE: Promise = Promise {
    name: "plugin",
    text: "kubectl holdfast status, doctor and logs tell what is so; failover hands over: pause < 1 s, nothing lost",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run,
};

pub(super) const CLIENTS: Promise = Promise {
    name: "plugin-clients",
    text: "kubectl holdfast clients shows who is connected by real addresses, also behind the gate",
    deadline: None,
    loss: Loss::None,
    run: clients,
};

fn clients(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = super::quorum::release(stage)?;
    let plugin = Plugin::install(stage)?;
    let primary = release.primary()?;
    let mut client = TcpStream::connect((primary.ip.as_str(), 6379))?;
    client.write_all(b"CLIENT SETNAME e2e-guest\r\n")?;
    client.read_exact(&mut [0; 5]).context("no answer")?;
    let address = client.local_addr()?.to_string();
    let said = plugin.run(&["clients"])?;
    let line = said.lines().find(|line| line.contains("e2e-guest"));
    let line = line.with_context(|| format!("the client is not shown: {said}"))?;
    ensure!(
        line.contains(&address) && line.contains(&primary.name),
        "not by its address {address}: {line}"
    );
    // In the pod as well, where the folder of the agent need not be named.
    let words = [
        "exec",
        &primary.name,
        "-c",
        "redis",
        "--",
        "/holdfast/bin/holdfast",
        "clients",
    ];
    let inside = release.kubectl().run(&words)?;
    ensure!(inside.contains(&address), "not in the pod: {inside}");
    Ok(Outcome::default())
}

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let plugin = Plugin::install(stage)?;
    let before = release.primary()?.name;
    tells(&plugin, &["status"], &before)?;
    tells(&plugin, &["doctor"], "")?;
    let writer = Writer::start(&release)?;
    let said = plugin.run(&["failover"])?;
    release.whole(seconds(60))?;
    let tally = writer.finish(&release)?;
    let after = release.primary()?.name;
    ensure!(before != after, "{before} is still primary, but: {said}");
    tells(&plugin, &["status"], &after)?;
    tells(&plugin, &["logs", "--since=5m"], &after)?;
    Ok(Outcome::paused(&tally).saying(said.trim()))
}

fn tells(plugin: &Plugin, words: &[&str], what: &str) -> anyhow::Result<()> {
    let said = plugin.run(words)?;
    ensure!(
        said.contains(what),
        "{words:?} does not tell of {what}: {said}"
    );
    Ok(())
}

/// The binary under the name that kubectl looks for, in a folder of its own.
struct Plugin<'a> {
    stage: &'a Stage,
    folder: PathBuf,
}

impl<'a> Plugin<'a> {
    fn install(stage: &'a Stage) -> anyhow::Result<Self> {
        let folder = env::temp_dir().join(format!("e2e-plugin-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let plugin = Self { stage, folder };
        let place = plugin.folder.join("kubectl-holdfast");
        std::os::unix::fs::symlink(stage.images.binary.canonicalize()?, place)
            .context("installing the plugin")?;
        Ok(plugin)
    }

    fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.folder.clone()).chain(env::split_paths(&path));
        // kubectl knows plugins by its first word alone.
        let mut kubectl = self.stage.kubectl.bare();
        kubectl
            .env("PATH", env::join_paths(folders)?)
            .arg("holdfast")
            .args(words)
            .args(["--namespace", &self.stage.kubectl.namespace]);
        command::run(&kubectl, seconds(30), None)
    }
}

impl Drop for Plugin<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
