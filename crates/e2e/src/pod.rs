//! A pod, as far as promises look at it.

use serde_json::Value;

/// What the API says of one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) uid: String,
    /// Empty before it has one.
    pub(crate) ip: String,
    /// The Kubernetes node; empty before it is placed.
    pub(crate) node: String,
    pub(crate) is_ready: bool,
    pub(crate) is_ending: bool,
    /// Restarts of all its containers.
    pub(crate) restarts: u64,
    /// Identities of its containers' runs; they are in the names of the cgroups.
    pub(crate) containers: Vec<String>,
    /// The label that its agent sets; empty for others.
    pub(crate) role: String,
}

impl Pod {
    /// Reads one object of kind Pod.
    pub(crate) fn of(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (meta, status) = (&object["metadata"], &object["status"]);
        let containers = status["containerStatuses"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        Self {
            name: text(&meta["name"]),
            uid: text(&meta["uid"]),
            ip: text(&status["podIP"]),
            node: text(&object["spec"]["nodeName"]),
            is_ready: has_condition(object, "Ready"),
            is_ending: meta["deletionTimestamp"].is_string(),
            restarts: containers
                .iter()
                .filter_map(|container| container["restartCount"].as_u64())
                .sum(),
            containers: containers.iter().filter_map(run).collect(),
            role: text(&meta["labels"]["holdfast.dev/role"]),
        }
    }

    /// Reads a list of them.
    pub(crate) fn all(list: &Value) -> Vec<Self> {
        list["items"]
            .as_array()
            .map(|items| items.iter().map(Self::of).collect())
            .unwrap_or_default()
    }
}

/// `containerd://ID` without the runtime.
fn run(container: &Value) -> Option<String> {
    let id = container["containerID"].as_str()?.rsplit('/').next()?;
    (!id.is_empty()).then(|| id.to_owned())
}

fn has_condition(object: &Value, kind: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.is_some_and(|all| {
        all.iter()
            .any(|condition| condition["type"] == kind && condition["status"] == "True")
    })
}
