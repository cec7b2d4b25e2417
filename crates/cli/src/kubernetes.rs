//! Wiring of the roles with the mirror that tells Kubernetes.

use crate::exit::{Exit, Failure};
use crate::units::unix_ms;
use clap::Args;
use holdfast_agent::{Incident, Role};
use holdfast_kube_mirror::{Mirror, News, Place, Server};
use std::net::IpAddr;

/// Whether Kubernetes is told what becomes of this pod, and which pod that is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Kubernetes")]
pub(crate) struct KubernetesArgs {
    /// Tell Kubernetes: the role as a label, the primary's endpoint, decisions as events.
    #[arg(long, env = "HOLDFAST_KUBERNETES", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    kubernetes: bool,
    /// The Service without selector whose endpoint is the primary, if there is one.
    #[arg(long, env = "HOLDFAST_PRIMARY_SERVICE", value_name = "NAME")]
    primary_service: Option<String>,
    /// Name of this pod. Default: the name of the node or sentinel.
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pod_name: Option<String>,
    /// Namespace of this pod.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAME")]
    pod_namespace: Option<String>,
    /// Address of this pod.
    #[arg(long, env = "POD_IP", value_name = "IP")]
    pod_ip: Option<String>,
    /// UID of this pod, so that events show with it.
    #[arg(long, env = "POD_UID", value_name = "UID")]
    pod_uid: Option<String>,
    /// Address of an API server that asks for no credentials, instead of the cluster's own.
    #[arg(long, env = "HOLDFAST_KUBERNETES_API", value_name = "URL", hide = true)]
    kubernetes_api: Option<http::Uri>,
}

impl KubernetesArgs {
    /// The audience of an agent whose redis-server listens at `port`.
    pub(crate) fn of_agent(
        &self,
        name: &str,
        port: u16,
    ) -> Result<Box<dyn holdfast_agent::Audience>, Failure> {
        Ok(match self.mirror(name, port)? {
            Some(mirror) => Box::new(Told(mirror)),
            None => Box::new(()),
        })
    }

    /// The audience of a sentinel.
    pub(crate) fn of_sentinel(
        &self,
        name: &str,
    ) -> Result<Box<dyn holdfast_sentinel::Audience>, Failure> {
        Ok(match self.mirror(name, 0)? {
            Some(mirror) => Box::new(Told(mirror)),
            None => Box::new(()),
        })
    }

    fn mirror(&self, name: &str, port: u16) -> Result<Option<Mirror>, Failure> {
        if !self.kubernetes {
            return Ok(None);
        }
        let place = self.place(name, port)?;
        let mirror = Mirror::start(place).map_err(|error| {
            let text = format!("cannot start the thread that tells Kubernetes: {error}");
            Failure::new(Exit::Failed, text)
        })?;
        Ok(Some(mirror))
    }

    fn place(&self, name: &str, port: u16) -> Result<Place, Failure> {
        let ip = needed(self.pod_ip.as_ref(), "POD_IP", "status.podIP")?;
        Ok(Place {
            server: self
                .kubernetes_api
                .clone()
                .map_or(Server::InCluster, Server::At),
            namespace: needed(
                self.pod_namespace.as_ref(),
                "POD_NAMESPACE",
                "metadata.namespace",
            )?,
            pod: self.pod_name.clone().unwrap_or_else(|| name.to_owned()),
            uid: self.pod_uid.clone().unwrap_or_default(),
            ip: ip
                .parse::<IpAddr>()
                .map_err(|_| Failure::bad_input(format!("POD_IP: `{ip}` is no IP address")))?,
            primary_service: self.primary_service.clone().filter(|name| !name.is_empty()),
            port,
        })
    }
}

fn needed(given: Option<&String>, variable: &str, field: &str) -> Result<String, Failure> {
    given.filter(|value| !value.is_empty()).cloned().ok_or_else(|| {
        Failure::bad_input(format!(
            "HOLDFAST_KUBERNETES is on, but {variable} is not set: let the pod set it from its field {field}"
        ))
    })
}

/// An audience that is Kubernetes.
struct Told(Mirror);

impl holdfast_agent::Audience for Told {
    fn role(&self, role: Role, epoch: u64) {
        let role = match role {
            Role::Primary => holdfast_kube_mirror::Role::Primary,
            Role::Replica => holdfast_kube_mirror::Role::Replica,
            Role::Sealed => holdfast_kube_mirror::Role::Sealed,
        };
        self.0.role(role, epoch);
    }

    fn incident(&self, incident: Incident, text: &str) {
        let (reason, sentence) = words(incident);
        let text = if text.is_empty() {
            sentence.to_owned()
        } else {
            format!("{sentence}: {text}")
        };
        // Each occurrence is news of its own.
        let key = unix_ms().to_string();
        self.0.news(News::now(reason, true, None, text, key));
    }
}

impl holdfast_sentinel::Audience for Told {
    fn decided(&self, event: holdfast_sentinel::Event) {
        let pod = event.node.map(|node| node.to_string());
        self.0.news(News::now(
            event.reason,
            event.warning,
            pod,
            event.text,
            event.key,
        ));
    }
}

fn words(incident: Incident) -> (&'static str, &'static str) {
    match incident {
        Incident::Ended => ("ServerEnded", "redis-server ended by itself"),
        Incident::Hung => ("ServerHung", "redis-server does not answer"),
        Incident::Closed => (
            "ClosedToWrites",
            "no majority of sentinels renewed the lease of this primary",
        ),
        Incident::Quarantined => (
            "Quarantined",
            "the data on this volume is not known to the group; it is neither used nor wiped",
        ),
        Incident::Ailing => (
            "DiskFailure",
            "redis-server cannot write to its disk and refuses writes",
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::{CommandFactory as _, Parser};

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        args: KubernetesArgs,
    }

    fn args(words: &[&str]) -> KubernetesArgs {
        Only::parse_from([&["x"], words].concat()).args
    }

    #[test]
    fn off_by_default_and_then_nothing_else_counts() {
        Only::command().debug_assert();
        assert!(
            args(&["--pod-ip=nonsense"])
                .mirror("r-node-0", 6379)
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        for (given, missing) in [
            (vec!["--kubernetes", "--pod-namespace=ns"], "status.podIP"),
            (
                vec!["--kubernetes", "--pod-ip=10.0.0.1"],
                "metadata.namespace",
            ),
            (
                vec!["--kubernetes", "--pod-namespace=ns", "--pod-ip=ten"],
                "`ten`",
            ),
        ] {
            let failure = args(&given).place("r-node-0", 6379).unwrap_err();
            assert!(format!("{failure:?}").contains(missing), "{failure:?}");
        }
    }

    #[test]
    fn the_pod_is_called_as_its_node_unless_told() {
        let given = ["--kubernetes", "--pod-namespace=ns", "--pod-ip=fd00::1"];
        let place = args(&given).place("r-node-0", 6379).unwrap();
        assert_eq!((place.pod.as_str(), place.port), ("r-node-0", 6379));
    }
}
