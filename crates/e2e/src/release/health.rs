//! Whether a release is as it should be.

use super::{GROUP, Release};
use crate::pod::Pod;
use anyhow::{Context as _, ensure};

impl Release {
    /// All pods are there and ready, one primary is known to every sentinel, every replica has caught up with it.
    pub(crate) fn is_whole(&self) -> anyhow::Result<()> {
        let nodes = self.expect_pods("node")?;
        let sentinels = self.expect_pods("sentinel")?;
        let primary = self.primary_address()?;
        for sentinel in &sentinels {
            let (says, others) = self
                .access
                .ask_sentinel(&format!("{}:26379", sentinel.ip), GROUP)?;
            ensure!(
                says == primary,
                "{} says that {says} is primary, others {primary}",
                sentinel.name
            );
            ensure!(
                others.len() + 1 == sentinels.len(),
                "{} knows {} others",
                sentinel.name,
                others.len()
            );
        }
        let offset = self.offset(&primary, "master_repl_offset")?;
        for node in nodes {
            let address = format!("{}:6379", node.ip);
            if address != primary {
                self.follows(&address, offset)
                    .with_context(|| node.name.clone())?;
            }
        }
        Ok(())
    }

    /// The pods of a component, when there are as many as wanted and all are ready.
    fn expect_pods(&self, component: &str) -> anyhow::Result<Vec<Pod>> {
        let set = self
            .kubectl
            .get(&["statefulset", &format!("{}-{component}", self.full_name())])?;
        let wanted = set["spec"]["replicas"].as_u64().unwrap_or_default() as usize;
        let status = &set["status"];
        let generation = &set["metadata"]["generation"];
        ensure!(
            status["observedGeneration"] == *generation,
            "the StatefulSet {component} has not been looked at yet"
        );
        ensure!(
            status["currentRevision"] == status["updateRevision"],
            "{component}: a roll is under way"
        );
        let pods = self.pods(component)?;
        ensure!(
            pods.len() == wanted,
            "{} of {wanted} pods of {component}",
            pods.len()
        );
        for pod in &pods {
            ensure!(!pod.is_ending, "{} is ending", pod.name);
            ensure!(pod.is_ready, "{} is not ready", pod.name);
        }
        Ok(pods)
    }

    fn follows(&self, address: &str, offset: u64) -> anyhow::Result<()> {
        let replication = self.access.replication(address)?;
        let (role, link) = (
            replication.field("role"),
            replication.field("master_link_status"),
        );
        ensure!(
            role == "slave" && link == "up",
            "it is a {role}, its link is {link:?}"
        );
        let own = replication
            .field("slave_repl_offset")
            .parse()
            .unwrap_or(0_u64);
        ensure!(own >= offset, "it is at {own}, the primary was at {offset}");
        Ok(())
    }

    fn offset(&self, address: &str, field: &str) -> anyhow::Result<u64> {
        let replication = self.access.replication(address)?;
        ensure!(
            replication.field("role") == "master",
            "{address} is no primary"
        );
        replication
            .field(field)
            .parse()
            .with_context(|| format!("{address}: no {field}"))
    }
}
