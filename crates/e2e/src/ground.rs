//! The cluster that the promises are kept on, and the power over its nodes.

mod kind;
mod local;

use crate::processes::Frozen;
use anyhow::{Context as _, bail};
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A cluster whose nodes all run on this machine.
pub(crate) trait Ground: Send + Sync {
    /// The kubectl to use.
    fn kubectl(&self) -> PathBuf;
    /// Address and credentials of an administrator.
    fn config(&self) -> PathBuf;
    /// Whether its nodes can pull from public registries.
    fn pulls(&self) -> bool;
    /// Brings a docker archive to all nodes.
    fn load(&self, archive: &Path) -> anyhow::Result<()>;
    /// Node lost without warning: nothing that it held says goodbye.
    fn stop(&self, node: &str) -> anyhow::Result<()>;
    /// The lost node boots.
    fn start(&self, node: &str) -> anyhow::Result<()>;
    /// The node runs on and reaches nobody.
    fn cut(&self, node: &str) -> anyhow::Result<()>;
    /// The end of that.
    fn heal(&self, node: &str) -> anyhow::Result<()>;
    /// The node's network namespace: who is in there still reaches the node's pods when it is cut off.
    fn network(&self, node: &str) -> anyhow::Result<PathBuf>;
    /// API server, controller manager and DNS stand still until the value is dropped.
    fn freeze_control_plane(&self) -> anyhow::Result<Frozen>;
    /// Pods that start from now on get the lowest free addresses again, those of others before them.
    fn reuse_addresses(&self, node: &str) -> anyhow::Result<()>;
    /// Ends what was started here.
    fn end(&self);
}

/// The cluster of `$KUBECONFIG`, else that of ../shared/k8s, which is brought up.
pub(crate) fn find() -> anyhow::Result<Arc<dyn Ground>> {
    let tool = Path::new("../shared/k8s/cluster");
    let tool = tool.is_file().then(|| tool.canonicalize()).transpose()?;
    let Some(config) = env::var_os("KUBECONFIG").map(PathBuf::from) else {
        let missing = "no cluster: KUBECONFIG is not set and ../shared/k8s is not there; with Docker, `kind create cluster` makes one, then set KUBECONFIG";
        return Ok(Arc::new(local::Local::up(tool.context(missing)?)?));
    };
    let text = std::fs::read_to_string(&config)
        .with_context(|| format!("reading {} (KUBECONFIG)", config.display()))?;
    if let Some(cluster) = kind::cluster_of(&text) {
        return Ok(Arc::new(kind::Kind::new(config, cluster)));
    }
    match tool {
        Some(tool) if local::is_of(&tool, &config) => Ok(Arc::new(local::Local::up(tool)?)),
        _ => bail!(
            "{} is no cluster of kind or of ../shared/k8s: the promises kill and cut off nodes, which takes power over them",
            config.display()
        ),
    }
}

/// A node that is lost until this is dropped.
pub(crate) struct Stopped<'a>(&'a dyn Ground, String);

impl<'a> Stopped<'a> {
    pub(crate) fn begin(ground: &'a dyn Ground, node: &str) -> anyhow::Result<Self> {
        let stopped = Self(ground, node.into());
        ground.stop(node).map(|()| stopped)
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        let _ = self.0.start(&self.1);
    }
}

/// A node that is cut off until this is dropped.
pub(crate) struct Cut<'a>(&'a dyn Ground, String);

impl<'a> Cut<'a> {
    pub(crate) fn begin(ground: &'a dyn Ground, node: &str) -> anyhow::Result<Self> {
        let cut = Self(ground, node.into());
        ground.cut(node).map(|()| cut)
    }
}

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        let _ = self.0.heal(&self.1);
    }
}
