//! `kubectl holdfast`: the same binary, as kubectl's plugin, with nothing but the rights of whoever calls it.

use super::{Loss, Promise};
use crate::command;
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use anyhow::{Context as _, ensure};
use std::env;
use std::path::PathBuf;

pub(super) const PROMISE: Promise = Promise {
    name: "plugin",
    text: "kubectl holdfast status, doctor and logs tell what is so; failover hands over: pause < 1 s, nothing lost",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run,
};

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
