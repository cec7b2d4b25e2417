//! One installation of the chart.

mod changes;
mod health;

use crate::client::Access;
use crate::helm::Helm;
use crate::kubectl::Kubectl;
use crate::pod::Pod;
use crate::wait::{self, seconds};
use anyhow::{Context as _, bail};
use std::path::PathBuf;
use std::time::Duration;

/// A release of the chart in a namespace, and how to reach it.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) name: String,
    pub(crate) access: Access,
    kubectl: Kubectl,
    helm: Helm,
    chart: PathBuf,
    /// `key=value` for `--set`.
    values: Vec<String>,
}

/// The name that all releases give their group.
pub(crate) const GROUP: &str = "mymaster";

impl Release {
    pub(crate) fn new(
        name: &str,
        kubectl: Kubectl,
        helm: Helm,
        chart: PathBuf,
        values: &[&str],
    ) -> Self {
        let values = values.iter().map(ToString::to_string).collect();
        Self {
            name: name.into(),
            access: Access::default(),
            kubectl,
            helm,
            chart,
            values,
        }
    }

    /// Prefix of its objects' names.
    pub(crate) fn full_name(&self) -> String {
        format!("{}-redis-cluster", self.name)
    }

    pub(crate) fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// `helm install`, which does not wait.
    pub(crate) fn install(&self) -> anyhow::Result<()> {
        let chart = self.chart.to_string_lossy();
        self.helm_setting(&["install", &self.name, &chart], &self.values)
    }

    /// `helm upgrade` with these values besides those that it has.
    pub(crate) fn upgrade(&self, values: &[&str]) -> anyhow::Result<()> {
        let chart = self.chart.to_string_lossy();
        let words = ["upgrade", &self.name, &chart, "--reuse-values"];
        self.helm_setting(&words, values)
    }

    /// `helm rollback` to the state before the last upgrade.
    pub(crate) fn roll_back(&self) -> anyhow::Result<()> {
        self.helm_setting(&["rollback", &self.name], &[] as &[&str])
    }

    fn helm_setting(&self, words: &[&str], values: &[impl AsRef<str>]) -> anyhow::Result<()> {
        let values = values.iter().flat_map(|value| ["--set", value.as_ref()]);
        let words: Vec<String> = words
            .iter()
            .copied()
            .chain(values)
            .map(String::from)
            .collect();
        self.helm.run(seconds(60), &words).map(|_| ())
    }

    /// `helm test`: the chart's own check.
    pub(crate) fn test(&self) -> anyhow::Result<()> {
        let words = ["test", &self.name, "--timeout", "30s"].map(String::from);
        self.helm.run(seconds(40), &words).map(|_| ())
    }

    /// Whether helm knows it.
    pub(crate) fn is_installed(&self) -> anyhow::Result<bool> {
        let words = ["list", "--all", "--short"].map(String::from);
        let known = self.helm.run(seconds(20), &words)?;
        Ok(known.lines().any(|line| line == self.name))
    }

    /// Uninstalls it and deletes its volumes; what is not there need not go.
    pub(crate) fn remove(&self) -> anyhow::Result<()> {
        self.uninstall()?;
        let selector = self.selector("");
        self.kubectl
            .run(&["delete", "pvc", "-l", &selector, "--wait=false"])?;
        Ok(())
    }

    /// `helm uninstall`, and waits until the pods are gone. The volumes stay.
    pub(crate) fn uninstall(&self) -> anyhow::Result<()> {
        if self.is_installed()? {
            self.helm
                .run(seconds(60), &["uninstall".to_owned(), self.name.clone()])?;
        }
        wait::until("all pods gone", seconds(60), || {
            match self.pods("")?.len() {
                0 => Ok(()),
                left => bail!("{left} pods are left"),
            }
        })
        .map(|_| ())
    }

    /// Selects all its pods, or those of one component.
    pub(crate) fn selector(&self, component: &str) -> String {
        let all = format!("app.kubernetes.io/instance={}", self.name);
        if component.is_empty() {
            all
        } else {
            format!("{all},app.kubernetes.io/component={component}")
        }
    }

    /// All pods, or those of one component, by name.
    pub(crate) fn pods(&self, component: &str) -> anyhow::Result<Vec<Pod>> {
        Ok(Pod::all(&self.kubectl.get(&[
            "pods",
            "-l",
            &self.selector(component),
        ])?))
    }

    /// The Redis pods.
    pub(crate) fn nodes(&self) -> anyhow::Result<Vec<Pod>> {
        self.pods("node")
    }

    /// The sentinels' pods.
    pub(crate) fn sentinels(&self) -> anyhow::Result<Vec<Pod>> {
        self.pods("sentinel")
    }

    /// One pod, by name.
    pub(crate) fn pod(&self, name: &str) -> anyhow::Result<Pod> {
        Ok(Pod::of(&self.kubectl.get(&["pod", name])?))
    }

    /// Where clients ask for the primary: the sentinels' Service, and then the sentinels themselves.
    pub(crate) fn sentinel_addresses(&self) -> anyhow::Result<Vec<String>> {
        let service = self.service("sentinel", 26379)?;
        let pods = self
            .sentinels()?
            .into_iter()
            .filter(|pod| !pod.ip.is_empty());
        Ok(std::iter::once(service)
            .chain(pods.map(|pod| format!("{}:26379", pod.ip)))
            .collect())
    }

    /// Address of the Service with that suffix.
    pub(crate) fn service(&self, suffix: &str, port: u16) -> anyhow::Result<String> {
        let service = self
            .kubectl
            .get(&["service", &format!("{}-{suffix}", self.full_name())])?;
        let ip = service["spec"]["clusterIP"]
            .as_str()
            .context("the Service has no address")?;
        Ok(format!("{ip}:{port}"))
    }

    /// The primary's address, as a sentinel tells clients.
    pub(crate) fn primary_address(&self) -> anyhow::Result<String> {
        let mut last = None;
        for sentinel in self.sentinel_addresses()? {
            match self.access.ask_sentinel(&sentinel, GROUP) {
                Ok((primary, _)) => return Ok(primary),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("there is no sentinel")?)
    }

    /// The primary's pod.
    pub(crate) fn primary(&self) -> anyhow::Result<Pod> {
        let address = self.primary_address()?;
        let nodes = self.nodes()?;
        let found = nodes
            .into_iter()
            .find(|pod| address == format!("{}:6379", pod.ip));
        found.with_context(|| format!("no pod has the primary's address {address}"))
    }

    /// A replica's pod.
    pub(crate) fn a_replica(&self) -> anyhow::Result<Pod> {
        let primary = self.primary()?.name;
        let found = self.nodes()?.into_iter().find(|pod| pod.name != primary);
        found.context("there is no replica")
    }

    /// Deletes a pod and returns at once.
    pub(crate) fn delete(&self, pod: &str, how: &[&str]) -> anyhow::Result<()> {
        let words: Vec<&str> = ["delete", "pod", pod, "--wait=false"]
            .iter()
            .chain(how)
            .copied()
            .collect();
        self.kubectl.run(&words).map(|_| ())
    }

    /// Waits until everything is as it should be, and says how long that took.
    pub(crate) fn whole(&self, limit: Duration) -> anyhow::Result<Duration> {
        wait::until(&format!("{} is whole", self.name), limit, || {
            self.is_whole()
        })
    }
}
