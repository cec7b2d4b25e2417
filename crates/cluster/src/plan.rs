//! `DIR/plan.json`: names and ports of the group, remembered so that a resume keeps them.

use crate::atomic_file;
use crate::error::StartError;
use crate::lock::LOCK_FILE;
use crate::ports::Ports;
use crate::spec::{DEFAULT_BASE_PORT, DEFAULT_GROUP, DEFAULT_REPLICAS, DEFAULT_SENTINELS, Spec};
use anyhow::Context as _;
use holdfast_core::names::{Address, Cluster, Group};
use holdfast_link::random_hex;
use serde::{Deserialize, Serialize};
use std::path::Path;

pub(crate) const PLAN_FILE: &str = "plan.json";
const PLAN_VERSION: u32 = 1;
const HOST: &str = "127.0.0.1";

/// The group as it is laid out in its folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    version: u32,
    pub(crate) cluster: Cluster,
    pub(crate) group: Group,
    pub(crate) sentinels: Vec<PlannedSentinel>,
    pub(crate) nodes: Vec<PlannedNode>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlannedSentinel {
    pub(crate) name: String,
    pub(crate) clients: Address,
    pub(crate) control: Address,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlannedNode {
    pub(crate) name: String,
    pub(crate) listen: Address,
}

impl Plan {
    /// The plan of the group that lives in `dir`, or `None` where `dir` is new or empty.
    pub(crate) fn load(dir: &Path) -> Result<Option<Self>, StartError> {
        let path = dir.join(PLAN_FILE);
        match std::fs::read(&path) {
            Ok(text) => Self::parse(&text)
                .map(Some)
                .map_err(|reason| corrupt(&path, &reason)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                refuse_foreign(dir).map(|()| None)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                Err(StartError::bad(format!(
                    "{} is not a folder: choose another --dir",
                    dir.display()
                )))
            }
            Err(error) => Err(StartError::bad(format!(
                "cannot read {}: {error}; choose another --dir, or be the user to whom it belongs",
                path.display()
            ))),
        }
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let plan: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if plan.version != PLAN_VERSION {
            return Err(format!(
                "it has version {}, this holdfast knows {PLAN_VERSION}",
                plan.version
            ));
        }
        if plan.nodes.is_empty() || plan.sentinels.is_empty() {
            return Err("it names no nodes or no sentinels".to_owned());
        }
        Ok(plan)
    }

    /// Lays out what `spec` asks for, keeping what `previous` had.
    pub(crate) fn fit(
        spec: &Spec,
        previous: Option<Self>,
        ports: &mut Ports,
    ) -> Result<Self, StartError> {
        let previous = previous.map_or_else(Self::blank, Ok)?;
        previous.check_against(spec)?;
        let bases = Bases::of(spec);
        let sentinels = spec
            .sentinels
            .unwrap_or_else(|| count_or(previous.sentinels.len(), DEFAULT_SENTINELS));
        let nodes = spec.replicas.map_or_else(
            || count_or(previous.nodes.len(), DEFAULT_REPLICAS + 1),
            |replicas| replicas + 1,
        );
        spec.check_sync_replicas(nodes.saturating_sub(1))?;
        Ok(Self {
            version: PLAN_VERSION,
            sentinels: (0..sentinels)
                .map(|i| previous.sentinel(i, &bases, ports))
                .collect::<Result<_, _>>()?,
            nodes: (0..nodes)
                .map(|i| previous.node(i, &bases, ports))
                .collect::<Result<_, _>>()?,
            group: spec.group.clone().unwrap_or(previous.group),
            cluster: previous.cluster,
        })
    }

    pub(crate) fn save(&self, dir: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self).context("cannot encode the plan")?;
        atomic_file::write(&dir.join(PLAN_FILE), &text, 0o644)
    }

    fn blank() -> Result<Self, StartError> {
        let cluster = Cluster::from(random_hex::<16>().context("draw an identity")?);
        Ok(Self {
            version: PLAN_VERSION,
            cluster,
            group: DEFAULT_GROUP.into(),
            sentinels: vec![],
            nodes: vec![],
        })
    }

    /// A group that exists may grow by nodes; everything else is a change that `up` cannot make by itself.
    fn check_against(&self, spec: &Spec) -> Result<(), StartError> {
        if self.nodes.is_empty() {
            return Ok(());
        }
        let dir = spec.dir.display();
        if let Some(group) = spec.group.as_ref().filter(|group| **group != self.group) {
            return Err(StartError::bad(format!(
                "{dir} holds the group `{}`, not `{group}`: choose another --dir",
                self.group
            )));
        }
        if let Some(count) = spec
            .sentinels
            .filter(|count| *count != self.sentinels.len())
        {
            let have = self.sentinels.len();
            return Err(StartError::bad(format!(
                "{dir} holds a group with {have} sentinels, not {count}: leave --sentinels out, or choose another --dir"
            )));
        }
        let have = self.nodes.len() - 1;
        if let Some(count) = spec.replicas.filter(|count| *count < have) {
            return Err(StartError::bad(format!(
                "{dir} holds a group with {have} replicas, not {count}: leave --replicas out, or choose another --dir"
            )));
        }
        Ok(())
    }

    fn sentinel(
        &self,
        i: usize,
        bases: &Bases,
        ports: &mut Ports,
    ) -> Result<PlannedSentinel, StartError> {
        let name = format!("sentinel-{i}");
        let old = self.sentinels.get(i);
        let clients = ports.take(
            bases.keep(old.map(|old| old.clients.port), bases.sentinel),
            bases.sentinel,
            &name,
        )?;
        let control = ports.take(
            bases.keep(old.map(|old| old.control.port), bases.control),
            bases.control,
            &name,
        )?;
        Ok(PlannedSentinel {
            name,
            clients: Address::new(HOST, clients),
            control: Address::new(HOST, control),
        })
    }

    fn node(&self, i: usize, bases: &Bases, ports: &mut Ports) -> Result<PlannedNode, StartError> {
        let name = format!("redis-{i}");
        let old = self.nodes.get(i).map(|old| old.listen.port);
        let port = ports.take(bases.keep(old, bases.node), bases.node, &name)?;
        Ok(PlannedNode {
            name,
            listen: Address::new(HOST, port),
        })
    }
}

fn count_or(count: usize, default: usize) -> usize {
    if count == 0 { default } else { count }
}

/// Where the search for each kind of port begins.
struct Bases {
    node: u16,
    sentinel: u16,
    control: u16,
    asked: bool,
}

impl Bases {
    fn of(spec: &Spec) -> Self {
        let node = spec.base_port.unwrap_or(DEFAULT_BASE_PORT);
        // 6379 gives 26379, the port that Sentinel clients know; high bases leave no room for that.
        let (sentinel, control) = match node.checked_add(22_000) {
            Some(_) => (node + 20_000, node + 21_000),
            None => (node.saturating_add(100), node.saturating_add(200)),
        };
        Self {
            node,
            sentinel,
            control,
            asked: spec.base_port.is_some(),
        }
    }

    /// The remembered port, unless another range was asked for.
    fn keep(&self, remembered: Option<u16>, base: u16) -> Option<u16> {
        remembered.filter(|port| !self.asked || (*port >= base && *port - base < 1_000))
    }
}

fn corrupt(path: &Path, reason: &str) -> StartError {
    StartError::bad(format!(
        "{} is damaged ({reason}): restore it from a copy, or choose another --dir; nothing was touched",
        path.display()
    ))
}

fn refuse_foreign(dir: &Path) -> Result<(), StartError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(StartError::bad(format!(
                "cannot use --dir {}: {error}",
                dir.display()
            )));
        }
    };
    match entries
        .flatten()
        .find(|entry| entry.file_name() != LOCK_FILE)
    {
        None => Ok(()),
        Some(entry) => Err(StartError::bad(format!(
            "{} holds `{}` but no group of Holdfast: choose an empty or new --dir; nothing was touched",
            dir.display(),
            entry.file_name().display()
        ))),
    }
}

#[cfg(test)]
mod tests;
