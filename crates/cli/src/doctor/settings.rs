//! What was changed on one running server and would be gone with the next failover: it differs between the nodes.

use super::evidence::{Evidence, Server};
use super::finding::Finding;
use super::versions::said;
use std::collections::{BTreeMap, BTreeSet};

/// Settings that belong to one node, or that Holdfast changes as it needs them.
const OF_A_NODE: &[&str] = &[
    "bind",
    "dir",
    "logfile",
    "masterauth",
    "masteruser",
    "min-replicas-to-write",
    "pidfile",
    "port",
    "repl-backlog-size",
    "repl-diskless-sync",
    "repl-diskless-sync-delay",
    "replica-announce-ip",
    "replica-announce-port",
    "replica-priority",
    "replicaof",
    "requirepass",
    "unixsocket",
];

/// Holdfast's own user, whose password is no matter of the operator's.
const OWN_USER: &str = "holdfast";

/// Most settings and users that are named one by one.
const NAMED_MAX: usize = 16;

pub(super) fn check(evidence: &Evidence) -> Vec<Finding> {
    let servers: Vec<&Server> = evidence.servers.iter().collect();
    let releases: BTreeSet<_> = servers.iter().filter_map(|server| said(server)).collect();
    // Servers of different versions have different defaults; that they differ is told elsewhere.
    if releases.len() > 1 {
        return Vec::new();
    }
    let status = evidence.observation.best();
    let primary = status.and_then(|status| status.primary.as_deref());
    let mut findings = different(
        &servers,
        |server| &server.settings,
        is_common,
        |key, on| setting_differs(key, on, primary),
    );
    let is_users = |name: &str| name != OWN_USER;
    findings.extend(different(
        &servers,
        |server| &server.users,
        is_users,
        user_differs,
    ));
    findings.truncate(NAMED_MAX);
    findings
}

/// Nodes by what they have: a value, or none.
type Holders<'a> = BTreeMap<Option<&'a str>, Vec<&'a str>>;

/// A finding for each key of `of` that counts and is not the same on all servers that told any.
fn different(
    servers: &[&Server],
    of: impl Fn(&Server) -> &BTreeMap<String, String>,
    counts: impl Fn(&str) -> bool,
    tell: impl Fn(&str, &Holders<'_>) -> Finding,
) -> Vec<Finding> {
    let told = || servers.iter().filter(|server| !of(server).is_empty());
    let keys: BTreeSet<&String> = told().flat_map(|server| of(server).keys()).collect();
    let mut findings = Vec::new();
    for key in keys.into_iter().filter(|key| counts(key)) {
        let mut on = Holders::new();
        for server in told() {
            let value = of(server).get(key).map(String::as_str);
            on.entry(value).or_default().push(&server.name);
        }
        if on.len() > 1 {
            findings.push(tell(key, &on));
        }
    }
    findings
}

/// Names with `slave` are the old ones of others.
fn is_common(key: &str) -> bool {
    !OF_A_NODE.contains(&key) && !key.contains("slave") && !key.starts_with("tls-")
}

fn setting_differs(key: &str, on: &Holders<'_>, primary: Option<&str>) -> Finding {
    let each = on.iter().map(|(value, nodes)| {
        let value = value.unwrap_or_default();
        format!(
            "`{}` on {}",
            value.chars().take(80).collect::<String>(),
            nodes.join(", ")
        )
    });
    let rules = |nodes: &Vec<&str>| primary.is_some_and(|primary| nodes.contains(&primary));
    let now = on.iter().find(|(_, nodes)| rules(nodes));
    let value = now.and_then(|(value, _)| *value).unwrap_or("VALUE");
    Finding::warning(
        "setting-differs",
        format!(
            "{key} is {}: the next failover changes it",
            each.collect::<Vec<_>>().join(", ")
        ),
        format!(
            "put `{key} {value}` into the redis_conf of all nodes; what CONFIG SET changes, CONFIG REWRITE too, lasts until redis-server restarts"
        ),
    )
}

/// Rules may hold the digests of passwords, so they are not shown.
fn user_differs(name: &str, on: &Holders<'_>) -> Finding {
    let lacking = on
        .get(&None)
        .map(|nodes| format!("is missing on {}", nodes.join(", ")));
    let what = lacking.unwrap_or_else(|| {
        let each = on.values().map(|nodes| nodes.join(", "));
        format!(
            "has different rules on {}",
            each.collect::<Vec<_>>().join(" and on ")
        )
    });
    Finding::warning(
        "user-differs",
        format!("the user {name} {what}: the next failover changes what its clients may do"),
        "put its `user` line into the acl_file of all nodes; what ACL SETUSER changes lasts until redis-server restarts",
    )
}
