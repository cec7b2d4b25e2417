//! What the doctor looks at.

use crate::observation::Observation;
use crate::routes::Routes;
use holdfast_cluster::{Connection, Manifest, SentinelClient};
use holdfast_core::names::Address;
use holdfast_core::status::GroupStatus;
use nix::sys::statvfs::statvfs;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Everything that was found, before any judgement.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) observation: Observation,
    pub(super) servers: Vec<Server>,
    pub(super) manifest: Option<Manifest>,
    pub(super) disks: Vec<Disk>,
}

/// What a node's redis-server says of itself.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) address: Address,
    /// Fields of INFO, or why there are none.
    pub(super) info: Result<BTreeMap<String, String>, String>,
}

impl Server {
    /// For some seconds after a handoff a gate takes new clients along to the next primary, doctor's as well: what is said
    /// then, by its `run_id`, is of another node, and no evidence of this one.
    pub(super) fn unless_another(mut self, status: Option<&GroupStatus>) -> Self {
        let run_id = self.info.as_ref().ok().and_then(|info| info.get("run_id"));
        let owner = run_id.and_then(|run_id| {
            let nodes = status.iter().flat_map(|status| &status.nodes);
            nodes
                .filter(|node| node.run_id.as_ref() == Some(run_id))
                .map(|node| node.name.clone())
                .next()
        });
        if owner.is_some_and(|owner| owner != self.name) {
            self.info = Ok(BTreeMap::new());
        }
        self
    }
}

/// Where a node of this machine keeps its data.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) node: String,
    pub(super) path: PathBuf,
    pub(super) free_bytes: u64,
    pub(super) total_bytes: u64,
}

impl Evidence {
    pub(super) async fn gather(
        client: &SentinelClient,
        manifest: Option<Manifest>,
        password: Option<&str>,
        routes: &Routes,
    ) -> Self {
        let mut observation = Observation::take(client).await;
        let others = others(&observation);
        let others = if routes.is_direct() {
            others
        } else {
            Vec::new()
        };
        if !others.is_empty() {
            observation
                .views
                .extend(Observation::take(&client.at(others)).await.views);
        }
        let mut servers = Vec::new();
        for (name, address) in addresses(&observation, manifest.as_ref()) {
            let info = info(routes.node(&name, &address), password).await;
            let server = Server {
                name,
                address,
                info,
            };
            servers.push(server.unless_another(observation.best()));
        }
        let disks = manifest
            .iter()
            .flat_map(|manifest| &manifest.nodes)
            .filter_map(|node| disk(&node.name, &node.data_dir))
            .collect();
        Self {
            observation,
            servers,
            manifest,
            disks,
        }
    }
}

/// Sentinels that those which answered know of, and which were not asked yet.
fn others(observation: &Observation) -> Vec<Address> {
    let asked: Vec<&Address> = observation
        .views
        .iter()
        .map(|(address, _)| address)
        .collect();
    let known = observation
        .best()
        .into_iter()
        .flat_map(|status| &status.sentinels);
    known
        .filter_map(|sentinel| sentinel.address.clone())
        .filter(|address| !asked.contains(&address))
        .collect()
}

fn addresses(observation: &Observation, manifest: Option<&Manifest>) -> Vec<(String, Address)> {
    if let Some(status) = observation.best() {
        return status
            .nodes
            .iter()
            .filter_map(|node| Some((node.name.clone(), node.address.clone()?)))
            .collect();
    }
    manifest
        .into_iter()
        .flat_map(|manifest| &manifest.nodes)
        .map(|node| (node.name.clone(), node.address.clone()))
        .collect()
}

async fn info(
    address: &Address,
    password: Option<&str>,
) -> Result<BTreeMap<String, String>, String> {
    let asked = async {
        let mut connection = Connection::open(address)
            .await
            .map_err(|error| error.to_string())?;
        if let Some(password) = password {
            refuse_error(connection.call(&["AUTH", password]).await)?;
        }
        refuse_error(connection.call(&["INFO"]).await)
    };
    let reply = tokio::time::timeout(ANSWER_WITHIN, asked)
        .await
        .map_err(|_| "no answer within 1 s".to_owned())??;
    Ok(fields(&reply))
}

fn refuse_error(reply: std::io::Result<holdfast_resp::Value>) -> Result<String, String> {
    let reply = reply.map_err(|error| error.to_string())?;
    match reply.error() {
        Some(text) => Err(text.into_owned()),
        None => Ok(reply.as_str().unwrap_or_default().to_owned()),
    }
}

fn fields(info: &str) -> BTreeMap<String, String> {
    let pairs = info
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.trim().split_once(':'));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn disk(node: &str, path: &Path) -> Option<Disk> {
    let stat = statvfs(path).ok()?;
    let block = stat.fragment_size();
    Some(Disk {
        node: node.to_owned(),
        path: path.to_owned(),
        free_bytes: stat.blocks_available().saturating_mul(block),
        total_bytes: stat.blocks().saturating_mul(block),
    })
}
