//! Who is connected to the nodes of a release: each pod's own `holdfast clients`, for only its agent can tell.

use super::cluster::Cluster;
use super::release::{Kind, Release, main_container};
use crate::clients::{Heard, Unheard, Wish};
use crate::exit::{Exit, Failure, Outcome};
use holdfast_agent::clients::ANSWER_MAX;
use holdfast_kube_mirror::chain;
use k8s_openapi::api::core::v1::Pod;
use kube::api::AttachParams;
use kube::{Api, ResourceExt};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinSet;

/// A pod that has not answered after this time is left out.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Bytes that are read of what went wrong.
const WHY_MAX: u64 = 4_096;

pub(super) async fn show(cluster: &Cluster, release: &Release, wish: &Wish) -> Outcome {
    let mut asked = JoinSet::new();
    for pod in release.of(Kind::Node) {
        let name = pod.name_any();
        if wish.node.as_ref().is_none_or(|node| *node == name) {
            asked.spawn(hear(cluster.pods(), name, question(pod, wish.id)));
        }
    }
    if asked.is_empty() {
        return Err(nobody(release, wish));
    }
    let mut heard = Heard::default();
    for answer in asked.join_all().await {
        heard.nodes.extend(answer.nodes);
        heard.unheard.extend(answer.unheard);
    }
    heard.nodes.sort_by(|a, b| a.node.cmp(&b.node));
    heard.unheard.sort_by(|a, b| a.node.cmp(&b.node));
    crate::clients::show(heard, wish)
}

fn nobody(release: &Release, wish: &Wish) -> Failure {
    let names: Vec<String> = release.of(Kind::Node).map(ResourceExt::name_any).collect();
    match &wish.node {
        Some(node) if !names.is_empty() => Failure::bad_input(format!(
            "this release has no node {node}; there is {}",
            names.join(", ")
        )),
        _ => Failure::new(Exit::Unreachable, "this release has no node pod now"),
    }
}

/// What is run, and in which container.
struct Asking {
    container: Option<String>,
    words: Vec<String>,
}

/// The pod's environment says where its agent's directory is.
fn question(pod: &Pod, id: Option<u64>) -> Asking {
    let main = main_container(pod);
    let program = main.and_then(|main| main.command.iter().flatten().next());
    let words = ["clients", "--json", "--all"].map(str::to_owned);
    let only = id.map(|id| format!("--id={id}"));
    Asking {
        container: main.map(|main| main.name.clone()),
        words: program
            .cloned()
            .into_iter()
            .chain(words)
            .chain(only)
            .collect(),
    }
}

async fn hear(pods: Api<Pod>, name: String, asking: Asking) -> Heard {
    let told = tokio::time::timeout(ANSWER_WITHIN, ask(&pods, &name, asking)).await;
    let told = told.unwrap_or_else(|_| {
        let seconds = ANSWER_WITHIN.as_secs();
        Err(format!("its pod has not answered for {seconds} s"))
    });
    told.unwrap_or_else(|why| Heard {
        unheard: vec![Unheard { node: name, why }],
        ..Heard::default()
    })
}

async fn ask(pods: &Api<Pod>, name: &str, asking: Asking) -> Result<Heard, String> {
    let wish = AttachParams {
        container: asking.container,
        ..AttachParams::default()
    };
    let process = pods.exec(name, asking.words, &wish).await;
    let mut process =
        process.map_err(|error| format!("cannot ask in its pod: {}", chain(&error)))?;
    let (out, err) = (process.stdout(), process.stderr());
    let (told, why) = tokio::join!(read(out, ANSWER_MAX), read(err, WHY_MAX));
    let told = told?;
    if let Ok(heard) = serde_json::from_slice::<Heard>(&told) {
        return Ok(heard.of(name));
    }
    let why = String::from_utf8_lossy(&why?).trim().to_owned();
    Err(if why.is_empty() {
        format!("its pod told {} bytes that make no sense", told.len())
    } else {
        why
    })
}

async fn read(from: Option<impl AsyncRead + Unpin>, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let read = from.take(most).read_to_end(&mut bytes).await;
        read.map_err(|error| format!("its pod's answer broke off: {error}"))?;
    }
    Ok(bytes)
}

impl Heard {
    /// What a pod could not tell is told of the pod, and not of a folder in it.
    fn of(mut self, pod: &str) -> Self {
        for one in &mut self.unheard {
            pod.clone_into(&mut one.node);
        }
        self
    }
}
