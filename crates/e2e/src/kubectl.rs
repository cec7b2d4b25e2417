//! kubectl, in one namespace.

use crate::command;
use crate::wait::seconds;
use anyhow::Context as _;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// kubectl with the cluster and the namespace that it talks to.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    program: PathBuf,
    config: PathBuf,
    pub(crate) namespace: String,
}

impl Kubectl {
    pub(crate) fn new(program: PathBuf, config: PathBuf, namespace: &str) -> Self {
        Self {
            program,
            config,
            namespace: namespace.into(),
        }
    }

    /// The file with address and credentials.
    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    /// The program and the cluster that it talks to; no namespace yet.
    pub(crate) fn bare(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("KUBECONFIG", &self.config);
        command
    }

    /// A command that is still to be run.
    pub(crate) fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = self.bare();
        command
            .arg("--namespace")
            .arg(&self.namespace)
            .args(arguments);
        command
    }

    /// Runs it; at most a minute.
    pub(crate) fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.run_within(seconds(60), arguments)
    }

    /// Runs it within a limit.
    pub(crate) fn run_within(&self, limit: Duration, arguments: &[&str]) -> anyhow::Result<String> {
        command::run(&self.command(arguments), limit, None)
    }

    /// Gets objects as JSON.
    pub(crate) fn get(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let all: Vec<&str> = ["get", "-o", "json"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        serde_json::from_str(&self.run(&all)?)
            .with_context(|| format!("kubectl get {}: no JSON", arguments.join(" ")))
    }

    /// Applies an object.
    pub(crate) fn apply(&self, object: &Value) -> anyhow::Result<()> {
        command::run(
            &self.command(&["apply", "-f", "-"]),
            seconds(30),
            Some(&object.to_string()),
        )?;
        Ok(())
    }
}
