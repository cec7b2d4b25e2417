//! What can be wrong with the versions of the nodes' redis-servers.

use super::evidence::{Evidence, Server};
use super::finding::Finding;
use super::nodes::field;
use holdfast_core::server_version::ServerVersion;
use holdfast_core::snapshot_format::is_unreadable;
use std::collections::{BTreeMap, BTreeSet};

/// What agents accept, too.
const OLDEST: (u32, u32) = (6, 2);

/// Which server each node runs, by the node's name.
type Versions = BTreeMap<String, ServerVersion>;

pub(super) fn check(evidence: &Evidence) -> Vec<Finding> {
    let versions = versions(evidence);
    let mut findings: Vec<Finding> = versions.iter().filter_map(old).collect();
    findings.extend(unreadable(evidence, &versions).or_else(|| mixed(&versions)));
    findings
}

/// As their agents say, or else as they say themselves.
fn versions(evidence: &Evidence) -> Versions {
    let own = evidence.servers.iter();
    let mut all: Versions = own
        .filter_map(|server| Some((server.name.clone(), said(server)?)))
        .collect();
    let told = evidence.observation.best().into_iter();
    let told = told.flat_map(|status| &status.nodes);
    all.extend(told.filter_map(|node| {
        let server = ServerVersion::from(node.server.clone()?);
        Some((node.name.clone(), server))
    }));
    all
}

/// Valkey says `redis_version:7.2.4` for the sake of old clients.
pub(super) fn said(server: &Server) -> Option<ServerVersion> {
    match field(server, "valkey_version") {
        Some(number) => ServerVersion::new("valkey", number),
        None => ServerVersion::new("redis", field(server, "redis_version")?),
    }
}

fn old((node, server): (&String, &ServerVersion)) -> Option<Finding> {
    let known = matches!(server.name.as_str(), "redis" | "valkey");
    (known && server.release() < OLDEST).then(|| {
        Finding::problem(
            "old-server",
            format!("{node} runs {server}, older than {}.{}", OLDEST.0, OLDEST.1),
            "upgrade it: replicas first, the primary last, by a handoff",
        )
    })
}

/// Those that could not read a copy of the primary's data.
fn unreadable(evidence: &Evidence, versions: &Versions) -> Option<Finding> {
    let primary = evidence.observation.best()?.primary.clone()?;
    let from = versions.get(&primary)?;
    let old = versions.iter().filter(|(_, to)| is_unreadable(from, to));
    let old: Vec<String> = old.map(|(node, to)| format!("{node} ({to})")).collect();
    (!old.is_empty()).then(|| {
        Finding::problem(
            "copy-unreadable",
            format!("{} cannot read a copy of {from}, which the primary {primary} runs", old.join(", ")),
            "upgrade them: they stay in step only as long as nothing makes them copy, and whatever restarts one does",
        )
    })
}

fn mixed(versions: &Versions) -> Option<Finding> {
    let different: BTreeSet<&ServerVersion> = versions.values().collect();
    (different.len() > 1).then(|| {
        let each = versions
            .iter()
            .map(|(node, server)| format!("{node} {server}"));
        Finding::warning(
            "mixed-versions",
            format!(
                "nodes run different versions: {}",
                each.collect::<Vec<_>>().join(", ")
            ),
            "finish the upgrade: an older replica may not read what a newer primary sends",
        )
    })
}
