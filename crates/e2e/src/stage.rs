//! All that a promise needs: a cluster with the images on it, kubectl, helm, the chart.

mod images;

use crate::evidence;
use crate::ground::{self, Ground};
use crate::helm::Helm;
use crate::kubectl::Kubectl;
use crate::recorder::Recorder;
use crate::release::Release;
use crate::wait::{self, seconds};
use anyhow::Context as _;
use images::Images;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The namespace of all releases.
const NAMESPACE: &str = "e2e";

/// The cluster, ready for releases.
pub(crate) struct Stage {
    pub(crate) images: Images,
    pub(crate) chart: PathBuf,
    pub(crate) kubectl: Kubectl,
    pub(crate) helm: Helm,
    ground: Arc<dyn Ground>,
    out: PathBuf,
    keep: bool,
    /// Writes all logs to files for as long as it lives.
    _recorder: Recorder,
}

/// What to do when it is over, however that comes.
#[derive(Clone)]
pub(crate) struct Ending {
    ground: Arc<dyn Ground>,
    kubectl: Kubectl,
    out: PathBuf,
    keep: bool,
}

impl Stage {
    /// Builds what is needed, brings the cluster up and the images to it.
    pub(crate) fn set(
        out: &Path,
        binary: Option<&Path>,
        chart: &Path,
        keep: bool,
    ) -> anyhow::Result<Self> {
        let ground = ground::find()?;
        let images = Images::make(&out.join("images"), chart, binary, ground.pulls())
            .inspect_err(|_| ground.end())?;
        let kubectl = Kubectl::new(ground.kubectl(), ground.config(), NAMESPACE);
        let ending = Ending {
            ground: Arc::clone(&ground),
            kubectl: kubectl.clone(),
            out: out.into(),
            keep,
        };
        let prepared = prepare(&kubectl, &*ground, &images);
        if let Err(error) = prepared {
            ending.end("preparing", &format!("{error:#}"));
            return Err(error);
        }
        let helm = Helm::find(kubectl.config(), NAMESPACE)?;
        let recorder = Recorder::start(kubectl.clone(), &out.join("logs"))?;
        Ok(Self {
            images,
            chart: chart.canonicalize()?,
            kubectl,
            helm,
            ground,
            out: out.into(),
            keep,
            _recorder: recorder,
        })
    }

    /// Power over the nodes.
    pub(crate) fn ground(&self) -> &dyn Ground {
        &*self.ground
    }

    /// A release of that name with these values; nothing is installed yet.
    pub(crate) fn release(&self, name: &str, values: &[&str]) -> Release {
        Release::new(
            name,
            self.kubectl.clone(),
            self.helm.clone(),
            self.chart.clone(),
            values,
        )
    }

    /// The release without any values that most promises are about.
    pub(crate) fn standard(&self) -> anyhow::Result<Release> {
        self.whole("my-release", &[])
    }

    /// A release that is whole: as it was left by the promise before, else installed anew with these values.
    pub(crate) fn whole(&self, name: &str, values: &[&str]) -> anyhow::Result<Release> {
        let release = self.release(name, values);
        let is_there = release.is_installed()?;
        if !is_there || release.whole(seconds(20)).is_err() {
            self.clear()?;
            release.install()?;
            release.whole(seconds(60))?;
        }
        Ok(release)
    }

    /// Removes all releases with their volumes.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        let known = self
            .helm
            .run(seconds(20), &["list", "--all", "--short"].map(String::from))?;
        for name in known.lines() {
            self.release(name, &[]).remove()?;
        }
        self.kubectl
            .run(&["delete", "pod", "--all", "--grace-period=0", "--force"])?;
        self.kubectl
            .run(&["delete", "pvc", "--all", "--wait=false"])?;
        wait::until("no volume is left", seconds(60), || {
            let left = self.kubectl.run(&["get", "pvc", "-o", "name"])?;
            anyhow::ensure!(left.trim().is_empty(), "{left}");
            Ok(())
        })?;
        Ok(())
    }

    /// Keeps everything that may say why a promise was broken, and names the folder.
    pub(crate) fn gather(&self, name: &str, why: &str) {
        evidence::gather(&self.kubectl, &self.out.join(name), why);
    }

    /// What to do at the end.
    pub(crate) fn ending(&self) -> Ending {
        Ending {
            ground: Arc::clone(&self.ground),
            kubectl: self.kubectl.clone(),
            out: self.out.clone(),
            keep: self.keep,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.ending().clean();
    }
}

impl Ending {
    /// Gathers evidence and leaves the cluster as it was found.
    pub(crate) fn end(&self, name: &str, why: &str) {
        evidence::gather(&self.kubectl, &self.out.join(name), why);
        self.clean();
    }

    fn clean(&self) {
        if !self.keep {
            let _ = self
                .kubectl
                .run(&["delete", "namespace", NAMESPACE, "--wait=false"]);
            self.ground.end();
        }
    }
}

fn prepare(kubectl: &Kubectl, ground: &dyn Ground, images: &Images) -> anyhow::Result<()> {
    for archive in &images.archives {
        ground
            .load(archive)
            .with_context(|| format!("loading {}", archive.display()))?;
    }
    // Where Kubernetes knows Pod Security, the strictest is good enough for the chart.
    let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}))?;
    wait::until("the namespace has its account", seconds(20), || {
        kubectl
            .run(&["get", "serviceaccount", "default"])
            .map(|_| ())
    })?;
    Ok(())
}
