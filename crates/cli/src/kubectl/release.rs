//! The pods of one release, found by their labels.

use super::cluster::{Cluster, failure};
use crate::exit::Failure;
use k8s_openapi::api::core::v1::{Container, Pod};
use kube::ResourceExt;
use kube::api::ListParams;
use std::collections::BTreeSet;

const INSTANCE: &str = "app.kubernetes.io/instance";
const COMPONENT: &str = "app.kubernetes.io/component";

/// Most pods that are looked at; a release has a dozen.
const PODS_MAX: u32 = 2_000;

/// What a pod is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Node,
    Sentinel,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Sentinel => "sentinel",
        }
    }

    /// Name of the port that clients connect to, and its usual number.
    pub(super) fn port(self) -> (&'static str, u16) {
        match self {
            Self::Node => ("redis", 6379),
            Self::Sentinel => ("sentinel", 26379),
        }
    }
}

/// One release.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) pods: Vec<Pod>,
}

impl Release {
    /// The one that is called `name`, or the only one.
    pub(super) async fn find(cluster: &Cluster, name: Option<&str>) -> Result<Self, Failure> {
        let labels = format!("{INSTANCE},{COMPONENT} in (node,sentinel)");
        let wish = ListParams::default().labels(&labels).limit(PODS_MAX);
        let listed = cluster.pods().list(&wish).await;
        let listed = listed.map_err(|error| {
            failure(
                &format!("list pods of namespace {}", cluster.namespace),
                &error,
            )
        })?;
        Self::among(listed.items, name, &cluster.namespace)
    }

    fn among(pods: Vec<Pod>, name: Option<&str>, namespace: &str) -> Result<Self, Failure> {
        let ours: Vec<Pod> = pods.into_iter().filter(is_ours).collect();
        let names: BTreeSet<String> = ours.iter().filter_map(instance).collect();
        let all = names.iter().cloned().collect::<Vec<_>>().join(", ");
        let one = match name {
            _ if names.is_empty() => {
                return Err(Failure::bad_input(format!(
                    "no release of Holdfast runs in namespace {namespace}; name another one with --namespace"
                )));
            }
            Some(name) if names.contains(name) => name.to_owned(),
            Some(name) => {
                return Err(Failure::bad_input(format!(
                    "no release of Holdfast is called {name} in namespace {namespace}; there is {all}"
                )));
            }
            None if names.len() > 1 => {
                return Err(Failure::bad_input(format!(
                    "namespace {namespace} holds several releases; name one with --release: {all}"
                )));
            }
            None => all,
        };
        let mut pods: Vec<Pod> = ours
            .into_iter()
            .filter(|pod| instance(pod).as_ref() == Some(&one))
            .collect();
        pods.sort_by_key(ResourceExt::name_any);
        Ok(Self { pods })
    }

    /// Its pods of one kind, by name.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(move |pod| {
            pod.labels()
                .get(COMPONENT)
                .is_some_and(|word| word == kind.word())
        })
    }
}

fn instance(pod: &Pod) -> Option<String> {
    pod.labels().get(INSTANCE).cloned()
}

/// Other charts use the same labels: what counts is the program that runs.
fn is_ours(pod: &Pod) -> bool {
    main_container(pod).is_some()
}

/// The container that runs this program.
pub(super) fn main_container(pod: &Pod) -> Option<&Container> {
    let runs_holdfast = |container: &&Container| {
        let program = container.command.iter().flatten().next();
        program.is_some_and(|program| program.ends_with("/holdfast"))
    };
    pod.spec.as_ref()?.containers.iter().find(runs_holdfast)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn pod(release: &str, component: &str, program: &str) -> Pod {
        let pod = json!({
            "metadata": {"name": format!("{release}-{component}-0"), "labels": {INSTANCE: release, COMPONENT: component}},
            "spec": {"containers": [{"name": "main", "command": [program]}]},
        });
        serde_json::from_value(pod).unwrap()
    }

    fn pods() -> Vec<Pod> {
        ["a", "b"]
            .into_iter()
            .flat_map(|release| {
                ["sentinel", "node"].map(|kind| pod(release, kind, "/holdfast/bin/holdfast"))
            })
            .chain([pod("stranger", "node", "/opt/redis")])
            .collect()
    }

    fn said(name: Option<&str>, pods: Vec<Pod>) -> String {
        format!("{:?}", Release::among(pods, name, "ns").unwrap_err())
    }

    #[test]
    fn the_only_one_needs_no_name() {
        let pods = pods()
            .into_iter()
            .filter(|pod| instance(pod).unwrap() != "b");
        let release = Release::among(pods.collect(), None, "ns").unwrap();
        let names: Vec<_> = release
            .of(Kind::Sentinel)
            .map(ResourceExt::name_any)
            .collect();
        assert_eq!(names, ["a-sentinel-0"]);
    }

    #[test]
    fn what_is_missing_or_too_many_is_listed() {
        assert!(said(None, pods()).contains("--release: a, b"));
        assert!(said(Some("stranger"), pods()).contains("there is a, b"));
        assert!(said(None, Vec::new()).contains("no release of Holdfast runs in namespace ns"));
    }
}
