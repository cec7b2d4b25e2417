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
    /// What CONFIG GET shows; nothing where that is not allowed.
    pub(super) settings: BTreeMap<String, String>,
    /// Its users and their rules, by name; nothing where that is not allowed.
    pub(super) users: BTreeMap<String, String>,
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
            self.settings.clear();
            self.users.clear();
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
            let told = ask(routes.node(&name, &address), password).await;
            let server = told.server(name, address);
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

/// What a node's redis-server answers.
#[derive(Default)]
struct Told {
    info: String,
    settings: BTreeMap<String, String>,
    users: BTreeMap<String, String>,
}

/// Or why it does not.
struct Answer(Result<Told, String>);

impl Answer {
    fn server(self, name: String, address: Address) -> Server {
        let (told, refused) = match self.0 {
            Ok(told) => (told, None),
            Err(why) => (Told::default(), Some(why)),
        };
        Server {
            name,
            address,
            info: refused.map_or_else(|| Ok(fields(&told.info)), Err),
            settings: told.settings,
            users: told.users,
        }
    }
}

async fn ask(address: &Address, password: Option<&str>) -> Answer {
    let asked = async {
        let mut connection = Connection::open(address)
            .await
            .map_err(|error| error.to_string())?;
        if let Some(password) = password {
            refuse_error(connection.call(&["AUTH", password]).await)?;
        }
        Ok(Told {
            info: refuse_error(connection.call(&["INFO"]).await)?,
            settings: pairs(&words(connection.call(&["CONFIG", "GET", "*"]).await)),
            users: users(&words(connection.call(&["ACL", "LIST"]).await)),
        })
    };
    let answer = tokio::time::timeout(ANSWER_WITHIN, asked).await;
    Answer(answer.unwrap_or_else(|_| Err("no answer within 1 s".to_owned())))
}

/// The texts of a list; none where it was refused.
fn words(reply: std::io::Result<holdfast_resp::Value>) -> Vec<String> {
    let list = reply.ok();
    let list = list.as_ref().and_then(holdfast_resp::Value::as_slice);
    let texts = list.unwrap_or_default().iter();
    texts
        .map(|value| value.as_str().unwrap_or_default().to_owned())
        .collect()
}

fn pairs(words: &[String]) -> BTreeMap<String, String> {
    let pairs = words.as_chunks::<2>().0.iter();
    pairs
        .map(|[key, value]| (key.clone(), value.clone()))
        .collect()
}

/// From lines like `user default on nopass ~* &* +@all`. Each run of redis-server tells the rules of a user in an order of its
/// own, so they are sorted.
fn users(lines: &[String]) -> BTreeMap<String, String> {
    let named = lines.iter().filter_map(|line| {
        let (name, rules) = line.strip_prefix("user ")?.split_once(' ')?;
        let mut rules: Vec<&str> = rules.split_whitespace().collect();
        rules.sort_unstable();
        Some((name.to_owned(), rules.join(" ")))
    });
    named.collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_in_another_order_are_the_same() {
        let told = |rules: &str| users(&[format!("user default on nopass ~* +@all {rules}")]);
        assert_eq!(told("-shutdown -slaveof"), told("-slaveof -shutdown"));
        assert_ne!(told("-shutdown -slaveof"), told("-slaveof"));
    }
}
