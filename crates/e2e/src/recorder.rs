//! Writes the logs of all containers to files while they run: those of deleted pods are gone with them.

use crate::kubectl::Kubectl;
use anyhow::Context as _;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

/// Most containers whose logs are followed at once; more are not.
const MOST: usize = 64;

/// Follows the logs until it is dropped.
#[derive(Debug)]
pub(crate) struct Recorder {
    stop: Arc<AtomicBool>,
    children: Arc<Mutex<Vec<Child>>>,
}

impl Recorder {
    /// Begins; `folder` is emptied.
    pub(crate) fn start(kubectl: Kubectl, folder: &Path) -> anyhow::Result<Self> {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let recorder = Self {
            stop: Arc::default(),
            children: Arc::default(),
        };
        let (stop, children, folder) = (
            Arc::clone(&recorder.stop),
            Arc::clone(&recorder.children),
            folder.to_owned(),
        );
        std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                follow(&kubectl, &folder, &mut seen, &children);
                sleep(Duration::from_millis(500));
            }
        });
        Ok(recorder)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for child in self
            .children
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter_mut()
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Watches the pods until the API server ends the watch.
fn follow(
    kubectl: &Kubectl,
    folder: &Path,
    seen: &mut BTreeSet<String>,
    children: &Mutex<Vec<Child>>,
) {
    let watch = kubectl
        .command(&["get", "pods", "--watch", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .spawn();
    let Some((stream, watch)) = watch
        .ok()
        .and_then(|mut child| Some((child.stdout.take()?, child)))
    else {
        return;
    };
    keep(children, watch);
    for pod in serde_json::Deserializer::from_reader(stream)
        .into_iter::<Value>()
        .map_while(Result::ok)
    {
        for container in started(&pod, folder) {
            if seen.insert(container.id.clone())
                && let Some(child) = container.follow(kubectl)
            {
                keep(children, child);
            }
        }
    }
}

/// Remembers a child so that it can be ended, and forgets those that have ended.
fn keep(children: &Mutex<Vec<Child>>, mut child: Child) {
    let mut all = children.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    if all.len() < MOST {
        all.push(child);
    } else {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A container that runs, and the file for its log.
struct Container {
    id: String,
    pod: String,
    name: String,
    file: PathBuf,
}

fn started(pod: &Value, folder: &Path) -> Vec<Container> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let statuses =
        ["initContainerStatuses", "containerStatuses"].map(|field| pod["status"][field].as_array());
    let running = statuses
        .into_iter()
        .flatten()
        .flatten()
        .filter(|status| status["state"]["running"].is_object());
    let container = |status: &Value| {
        let container = status["name"].as_str()?;
        let restarts = &status["restartCount"];
        let short = uid.get(..8).unwrap_or(uid);
        Some(Container {
            id: status["containerID"].as_str()?.into(),
            pod: name.into(),
            name: container.into(),
            file: folder.join(format!("{name}.{short}.{container}.{restarts}.log")),
        })
    };
    running.filter_map(container).collect()
}

impl Container {
    fn follow(&self, kubectl: &Kubectl) -> Option<Child> {
        let file = File::create(&self.file).ok()?;
        let words = [
            "logs",
            "--follow",
            "--timestamps",
            &self.pod,
            "-c",
            &self.name,
        ];
        kubectl
            .command(&words)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(Stdio::null())
            .spawn()
            .ok()
    }
}
