//! The own pod: what it is called by Kubernetes, and its label.

use crate::api::{Api, Failure};
use crate::news::Role;
use serde_json::{Value, json};

/// The label that says what a node is.
pub(crate) const ROLE_LABEL: &str = "holdfast.dev/role";

/// What Kubernetes knows of the own pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnPod {
    pub(crate) uid: String,
    pub(crate) node: Option<String>,
    /// The controller that made it, without the claim to block its deletion.
    pub(crate) owner: Option<Value>,
    pub(crate) label: Option<String>,
}

impl OwnPod {
    pub(crate) async fn look(api: &Api) -> Result<Self, Failure> {
        Ok(Self::of(&api.get(&path(api)).await?))
    }

    fn of(pod: &Value) -> Self {
        let text = |pointer: &str| pod.pointer(pointer)?.as_str().map(str::to_owned);
        let owners = pod["metadata"]["ownerReferences"].as_array();
        let controller = owners
            .into_iter()
            .flatten()
            .find(|owner| owner["controller"] == true);
        Self {
            uid: text("/metadata/uid").unwrap_or_default(),
            node: text("/spec/nodeName"),
            owner: controller.map(reference),
            label: pod["metadata"]["labels"][ROLE_LABEL]
                .as_str()
                .map(str::to_owned),
        }
    }

    /// Labels the pod, if it is not labelled so already.
    pub(crate) async fn show(&mut self, api: &Api, role: Role) -> Result<(), Failure> {
        if self.label.as_deref() == Some(role.as_str()) {
            return Ok(());
        }
        let patch = json!({"metadata": {"labels": {ROLE_LABEL: role.as_str()}}});
        api.patch(&path(api), &patch).await?;
        self.label = Some(role.as_str().to_owned());
        Ok(())
    }
}

fn reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["name"],
        "uid": owner["uid"],
        "controller": false,
        "blockOwnerDeletion": false,
    })
}

fn path(api: &Api) -> String {
    let place = &api.place;
    format!("/api/v1/namespaces/{}/pods/{}", place.namespace, place.pod)
}
