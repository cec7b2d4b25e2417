//! The one `EndpointSlice` of the primary Service: written by the agent of the primary, guarded by its epoch.

use crate::mirror::Place;
use crate::pod::OwnPod;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// Where the slice says which reign it shows.
const EPOCH: &str = "holdfast.dev/epoch";

/// Name of the Service's port.
const PORT: &str = "redis";

/// What the slice should say.
#[derive(Debug)]
pub(crate) struct Endpoint<'a> {
    pub(crate) place: &'a Place,
    pub(crate) service: &'a str,
    /// Version of the API: `v1`, or `v1beta1` in a Kubernetes that is older.
    pub(crate) version: &'a str,
    pub(crate) pod: &'a OwnPod,
    pub(crate) epoch: u64,
}

/// What is to be done, having seen the slice.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Nothing: it says so already.
    Right,
    /// There is none; create this.
    Create(Value),
    /// Replace it by this, unless somebody else wrote since it was seen.
    Replace(Value),
    /// It shows a later reign, of this epoch.
    Later(u64),
}

impl Endpoint<'_> {
    /// The name of the slice.
    pub(crate) fn name(&self) -> String {
        format!("{}-holdfast", self.service)
    }

    /// Compares. With `insist` a later reign does not count: it belongs to a register that was lost.
    pub(crate) fn judge(&self, found: Option<&Value>, insist: bool) -> Verdict {
        let Some(found) = found else {
            return Verdict::Create(self.body(&Value::Null));
        };
        let epoch = epoch_of(found);
        if epoch > self.epoch && !insist {
            return Verdict::Later(epoch);
        }
        let body = self.body(found);
        if holds(found, &body) {
            Verdict::Right
        } else {
            Verdict::Replace(body)
        }
    }

    /// `found` with everything that is ours set right; what others put beside it stays.
    fn body(&self, found: &Value) -> Value {
        let mut body = found.as_object().cloned().unwrap_or_default();
        let metadata = body.entry("metadata").or_insert_with(|| json!({}));
        self.name_it(metadata);
        body.insert(
            "apiVersion".into(),
            json!(format!("discovery.k8s.io/{}", self.version)),
        );
        body.insert("kind".into(), json!("EndpointSlice"));
        body.insert("addressType".into(), json!(family(self.place.ip)));
        body.insert("endpoints".into(), json!([self.endpoint()]));
        body.insert(
            "ports".into(),
            json!([{"name": PORT, "port": self.place.port, "protocol": "TCP"}]),
        );
        Value::Object(body)
    }

    fn name_it(&self, metadata: &mut Value) {
        metadata["name"] = json!(self.name());
        metadata["namespace"] = json!(self.place.namespace);
        metadata["labels"]["kubernetes.io/service-name"] = json!(self.service);
        metadata["labels"]["endpointslice.kubernetes.io/managed-by"] = json!("holdfast");
        metadata["annotations"][EPOCH] = json!(self.epoch.to_string());
        if let Some(owner) = &self.pod.owner {
            metadata["ownerReferences"] = json!([owner]);
        }
    }

    fn endpoint(&self) -> Value {
        let mut endpoint = Map::new();
        endpoint.insert("addresses".into(), json!([self.place.ip.to_string()]));
        endpoint.insert("conditions".into(), json!({"ready": true}));
        endpoint.insert(
            "targetRef".into(),
            json!({
                "kind": "Pod",
                "namespace": self.place.namespace,
                "name": self.place.pod,
                "uid": self.pod.uid,
            }),
        );
        // The older API keeps it elsewhere, and drops it.
        if let Some(node) = self.pod.node.as_ref().filter(|_| self.version == "v1") {
            endpoint.insert("nodeName".into(), json!(node));
        }
        Value::Object(endpoint)
    }
}

/// Whether `found` says everything that `wanted` says. What a server adds by itself does no harm.
fn holds(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| found.get(key).is_some_and(|found| holds(found, wanted))),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(f, w)| holds(f, w))
        }
        _ => found == wanted,
    }
}

/// The reign that a slice shows; 0 when it does not say.
fn epoch_of(slice: &Value) -> u64 {
    let text = slice["metadata"]["annotations"][EPOCH].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn family(ip: IpAddr) -> &'static str {
    match ip {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::mirror::Server;

    fn place(ip: &str) -> Place {
        Place {
            server: Server::InCluster,
            namespace: "ns".into(),
            pod: "r-node-1".into(),
            uid: String::new(),
            ip: ip.parse().unwrap(),
            primary_service: None,
            port: 6379,
        }
    }

    fn judge(place: &Place, epoch: u64, found: Option<&Value>, insist: bool) -> Verdict {
        let endpoint = Endpoint {
            place,
            service: "r-primary",
            version: "v1",
            pod: &OwnPod::default(),
            epoch,
        };
        endpoint.judge(found, insist)
    }

    fn slice(place: &Place, epoch: u64) -> Value {
        match judge(place, epoch, None, false) {
            Verdict::Create(body) => body,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_stands_is_not_written_again() {
        let place = place("10.0.0.1");
        let mut found = slice(&place, 4);
        found["metadata"]["resourceVersion"] = json!("17");
        found["metadata"]["annotations"]["somebody/else"] = json!("too");
        assert_eq!(judge(&place, 4, Some(&found), false), Verdict::Right);
    }

    #[test]
    fn an_older_reign_never_replaces_a_later_one() {
        let found = slice(&place("10.0.0.1"), 9);
        let old = place("10.0.0.2");
        assert_eq!(judge(&old, 8, Some(&found), false), Verdict::Later(9));
        assert!(matches!(
            judge(&old, 8, Some(&found), true),
            Verdict::Replace(_)
        ));
        assert!(matches!(
            judge(&old, 9, Some(&found), false),
            Verdict::Replace(_)
        ));
    }

    #[test]
    fn it_replaces_only_what_it_saw_and_keeps_what_others_wrote() {
        let mut found = slice(&place("10.0.0.1"), 3);
        found["metadata"]["resourceVersion"] = json!("17");
        found["metadata"]["labels"]["somebody/else"] = json!("too");
        let Verdict::Replace(body) = judge(&place("10.0.0.2"), 4, Some(&found), false) else {
            panic!("not replaced");
        };
        assert_eq!(body["metadata"]["resourceVersion"], "17");
        assert_eq!(body["metadata"]["labels"]["somebody/else"], "too");
        assert_eq!(body["endpoints"].as_array().unwrap().len(), 1);
        assert_eq!(body["endpoints"][0]["addresses"], json!(["10.0.0.2"]));
    }

    #[test]
    fn the_family_follows_the_address() {
        assert_eq!(slice(&place("fd00::7"), 1)["addressType"], "IPv6");
    }
}
