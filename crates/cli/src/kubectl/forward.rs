//! Ports of pods, forwarded through the API server to this machine.

use super::cluster::Cluster;
use super::release::{Kind, Release, main_container};
use super::secrets;
use crate::exit::{Exit, Failure};
use crate::routes::Routes;
use crate::tls::Tls;
use holdfast_cluster::Stream;
use holdfast_core::names::Address;
use holdfast_kube_mirror::chain;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt as _};
use std::time::Duration;
use tokio::io::{DuplexStream, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A forwarded connection must stand within this time.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// Pods of one kind, and what it takes to speak with them.
pub(super) struct Forwarding {
    pods: Api<Pod>,
    kind: Kind,
    tls: Option<Tls>,
    pub(super) password: Option<String>,
}

impl Forwarding {
    /// Reads the Secrets that the pods of this kind use.
    pub(super) async fn of(
        cluster: &Cluster,
        release: &Release,
        kind: Kind,
    ) -> Result<Self, Failure> {
        let (mut tls, mut password) = (None, None);
        if let Some(pod) = release.of(kind).next() {
            tls = secrets::tls(cluster, pod).await?;
            password = secrets::password(cluster, pod).await?;
        }
        Ok(Self {
            pods: cluster.pods(),
            kind,
            tls,
            password,
        })
    }

    /// Listens for each pod on a port of this machine, and notes which stands for which. Fails when no sentinel at all
    /// can be reached; any other pod that cannot is left for whoever asks it to tell.
    pub(super) async fn open(
        &self,
        release: &Release,
        routes: &mut Routes,
    ) -> Result<Vec<Address>, Failure> {
        let ways: Vec<Way> = release.of(self.kind).map(|pod| self.way(pod)).collect();
        if self.kind == Kind::Sentinel {
            one_works(&ways).await?;
        }
        let mut addresses = Vec::new();
        for way in ways {
            let name = way.pod.clone();
            let address = way.listen().await.map_err(|error| {
                Failure::new(Exit::Failed, format!("cannot listen on 127.0.0.1: {error}"))
            })?;
            routes.add(name, address.clone());
            addresses.push(address);
        }
        Ok(addresses)
    }

    fn way(&self, pod: &Pod) -> Way {
        let (port, usual) = self.kind.port();
        let ports = main_container(pod)
            .into_iter()
            .flat_map(|main| main.ports.iter().flatten());
        let named = ports
            .filter(|known| known.name.as_deref() == Some(port))
            .find_map(|known| u16::try_from(known.container_port).ok());
        Way {
            pods: self.pods.clone(),
            pod: pod.name_any(),
            port: named.unwrap_or(usual),
            tls: self.tls.clone().map(|tls| (tls, names(pod))),
        }
    }
}

async fn one_works(ways: &[Way]) -> Result<(), Failure> {
    let mut last = "this release has no sentinel pod now".to_owned();
    for way in ways {
        match way.connect().await {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(Failure::new(Exit::Unreachable, last))
}

/// The names that the pod's certificate may be for.
fn names(pod: &Pod) -> Vec<String> {
    let service = pod.spec.as_ref().and_then(|spec| spec.subdomain.clone());
    let stable = service.map(|service| {
        let namespace = pod.namespace().unwrap_or_default();
        format!("{}.{service}.{namespace}.svc.cluster.local", pod.name_any())
    });
    ["localhost".to_owned()].into_iter().chain(stable).collect()
}

/// The way to one port of one pod.
#[derive(Clone)]
struct Way {
    pods: Api<Pod>,
    pod: String,
    port: u16,
    tls: Option<(Tls, Vec<String>)>,
}

impl Way {
    /// A connection through the API server, with TLS where the pod speaks it.
    async fn connect(&self) -> Result<Box<dyn Stream>, String> {
        let Some((tls, names)) = &self.tls else {
            return Ok(Box::new(self.forwarded().await?));
        };
        let mut last = String::new();
        for name in names {
            match tls.connect(name, self.forwarded().await?).await {
                Ok(stream) => return Ok(Box::new(stream)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn forwarded(&self) -> Result<DuplexStream, String> {
        let ports = [self.port];
        let asked = tokio::time::timeout(OPEN_WITHIN, self.pods.portforward(&self.pod, &ports));
        let what = || format!("cannot forward a port of pod {}", self.pod);
        let forwarder = asked.await.map_err(|_| format!("{}: no answer", what()))?;
        let mut forwarder = forwarder.map_err(|error| format!("{}: {}", what(), chain(&error)))?;
        forwarder.take_stream(self.port).ok_or_else(what)
    }

    /// Listens for as long as this program runs.
    async fn listen(self) -> std::io::Result<Address> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let local = listener.local_addr()?;
        tokio::spawn(async move {
            // An accept that fails ends the way: whoever uses it is told that nobody listens.
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.clone().carry(stream));
            }
        });
        Ok(Address::new(local.ip().to_string(), local.port()))
    }

    async fn carry(self, mut here: TcpStream) {
        match self.connect().await {
            Ok(mut there) => drop(copy_bidirectional(&mut here, &mut there).await),
            Err(error) => tracing::debug!("{error}"),
        }
    }
}
