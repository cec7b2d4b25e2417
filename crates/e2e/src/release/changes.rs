//! Waiting for changes of a release.

use super::Release;
use crate::pod::Pod;
use crate::wait::{self, seconds};
use anyhow::ensure;
use std::time::{Duration, Instant};

impl Release {
    /// Waits until another pod of the same name is there.
    pub(crate) fn replaced(&self, old: &Pod, limit: Duration) -> anyhow::Result<Duration> {
        wait::until(&format!("{} is replaced", old.name), limit, || {
            ensure!(
                self.pod(&old.name)?.uid != old.uid,
                "the old pod is still there"
            );
            Ok(())
        })
    }

    /// Waits until a deleted pod is replaced and all is well again. Returns how long that took.
    pub(crate) fn back(&self, old: &Pod, limit: Duration) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        self.replaced(old, limit)?;
        self.whole(limit)?;
        Ok(begin.elapsed())
    }

    /// Waits until the primary's Service leads to another pod, and says when: it is told, not asked, and may come later.
    pub(crate) fn service_leaves(&self, old: &Pod, limit: Duration) -> anyhow::Result<String> {
        let service = self.service("primary", 6379)?;
        let old = self.access.run_id(&format!("{}:6379", old.ip)).ok();
        let took = wait::until(
            "the primary's Service leads to the new primary",
            limit,
            || {
                let replication = self.access.replication(&service)?;
                ensure!(
                    replication.field("role") == "master",
                    "it leads to a {:?}",
                    replication.field("role")
                );
                ensure!(
                    old.is_none() || self.access.run_id(&service).ok() != old,
                    "it leads to the old one"
                );
                Ok(())
            },
        )?;
        Ok(format!(
            "Service switched within {:.1} s",
            took.as_secs_f64()
        ))
    }

    /// Whole, and still so a moment later: a change may not have begun when one asks for the first time.
    pub(crate) fn whole_and_stable(&self, limit: Duration) -> anyhow::Result<()> {
        self.hasten()?;
        self.whole(limit)?;
        std::thread::sleep(seconds(2));
        self.whole(limit).map(|_| ())
    }

    /// Makes kubelets look at the pods now, instead of within the next minute, so that mounted files are renewed.
    pub(crate) fn hasten(&self) -> anyhow::Result<()> {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)?
            .as_millis();
        let word = format!("e2e/hastened={now}");
        let selector = self.selector("");
        // One that goes away meanwhile ends kubectl early.
        wait::until("all pods annotated", seconds(10), || {
            self.kubectl
                .run(&["annotate", "pods", "--overwrite", "-l", &selector, &word])
                .map(|_| ())
        })
        .map(|_| ())
    }

    /// Those of these pods that are still there are the same, without a restart.
    pub(crate) fn not_restarted(&self, before: &[Pod]) -> anyhow::Result<()> {
        let now = self.pods("")?;
        for old in before {
            if let Some(pod) = now.iter().find(|pod| pod.name == old.name) {
                ensure!(pod.uid == old.uid, "{} was replaced", pod.name);
                ensure!(pod.restarts == old.restarts, "{} was restarted", pod.name);
            }
        }
        ensure!(!now.is_empty(), "no pod is left");
        Ok(())
    }
}
