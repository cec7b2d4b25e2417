//! The configuration file of each process, generated from the plan.

use crate::atomic_file;
use crate::plan::{Plan, PlannedNode, PlannedSentinel};
use crate::process::Role;
use crate::spec::Spec;
use anyhow::Context as _;
use holdfast_core::names::Address;
use holdfast_sentinel::{GroupOptions, Peer};
use serde::Serialize;
use std::path::{Path, PathBuf};

pub(crate) const SECRET_FILE: &str = "secret";

/// Writes `DIR/<name>/<role>.yaml` for every process of the plan. `dir` is absolute.
pub(crate) fn write_all(plan: &Plan, spec: &Spec, dir: &Path, server: &Path) -> anyhow::Result<()> {
    for sentinel in &plan.sentinels {
        write(
            &path(dir, &sentinel.name, Role::Sentinel),
            &sentinel_options(plan, sentinel, spec, dir)?,
        )?;
    }
    for node in &plan.nodes {
        write(
            &path(dir, &node.name, Role::Agent),
            &agent_options(plan, node, spec, dir, server)?,
        )?;
    }
    Ok(())
}

/// Where the configuration of a process is.
pub(crate) fn path(dir: &Path, name: &str, role: Role) -> PathBuf {
    dir.join(name).join(format!("{}.yaml", role.subcommand()))
}

pub(crate) fn data_dir(dir: &Path, node: &str) -> PathBuf {
    dir.join(node).join("data")
}

fn write(path: &Path, options: &impl Serialize) -> anyhow::Result<()> {
    let yaml = serde_saphyr::to_string(options).context("cannot encode the configuration")?;
    let text = format!("# Written by `holdfast up` at every start; changes here are lost.\n{yaml}");
    atomic_file::write(path, text.as_bytes(), 0o644)
}

fn sentinel_options(
    plan: &Plan,
    sentinel: &PlannedSentinel,
    spec: &Spec,
    dir: &Path,
) -> anyhow::Result<holdfast_sentinel::Options> {
    Ok(holdfast_sentinel::Options {
        name: sentinel.name.as_str().into(),
        cluster: plan.cluster.clone(),
        secret_file: dir.join(SECRET_FILE),
        dir: dir.join(&sentinel.name),
        listen: sentinel.clients.clone(),
        control: sentinel.control.clone(),
        sentinels: plan.sentinels.iter().map(peer).collect(),
        groups: vec![GroupOptions {
            name: plan.group.clone(),
            nodes: plan.nodes.len(),
            durability: spec.durability,
            sync_replicas: spec.sync_replicas,
            on_loss_of_quorum: spec.on_loss_of_quorum,
            cache: false,
        }],
        client_password_file: absolute(spec.sentinel_password_file.as_deref())?,
        acl_file: None,
        tls_cert_file: None,
        tls_key_file: None,
        tls_client_ca_file: None,
        announce_hostnames: None,
        max_clients: 10_500,
        handoff_pace_ms: spec.handoff_pace_ms,
        open_administration: false,
        http: None,
    })
}

fn peer(sentinel: &PlannedSentinel) -> Peer {
    Peer {
        name: sentinel.name.as_str().into(),
        control: sentinel.control.clone(),
        clients: sentinel.clients.clone(),
    }
}

pub(crate) fn agent_options(
    plan: &Plan,
    node: &PlannedNode,
    spec: &Spec,
    dir: &Path,
    server: &Path,
) -> anyhow::Result<holdfast_agent::Options> {
    Ok(holdfast_agent::Options {
        name: node.name.as_str().into(),
        group: plan.group.clone(),
        cluster: plan.cluster.clone(),
        secret_file: dir.join(SECRET_FILE),
        dir: dir.join(&node.name),
        data_dir: data_dir(dir, &node.name),
        server: server.to_owned(),
        listen: node.listen.clone(),
        durability: spec.durability,
        announce: None,
        sentinels: plan
            .sentinels
            .iter()
            .map(|sentinel| -> Address { sentinel.control.clone() })
            .collect(),
        redis_conf: absolute(spec.redis_conf.as_deref())?,
        client_password_file: absolute(spec.password_file.as_deref())?,
        acl_file: None,
        tls_cert_file: None,
        tls_key_file: None,
        tls_ca_file: None,
        tls_client_auth: false,
        memory_limit_bytes: 0,
        adopt: false,
        priority: 100,
        restart: spec.restart,
        stop_seconds: 10,
        script_limit_seconds: spec.script_limit_seconds,
        http: None,
    })
}

fn absolute(path: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
    path.map(std::path::absolute)
        .transpose()
        .context("cannot tell the current folder")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ports::Ports;

    #[test]
    fn texts_that_look_like_numbers_stay_texts() {
        let spec = Spec {
            base_port: Some(8_900),
            ..Spec::new("/nowhere", "/nowhere/holdfast")
        };
        let mut plan = Plan::fit(&spec, None, &mut Ports::default()).unwrap();
        for cluster in [
            "12345678901234567890123456789012",
            "1e345678901234567890",
            "0x12",
            "true",
        ] {
            plan.cluster = cluster.into();
            let options =
                sentinel_options(&plan, &plan.sentinels[0], &spec, Path::new("/nowhere")).unwrap();
            let yaml = serde_saphyr::to_string(&options).unwrap();
            assert_eq!(
                serde_saphyr::from_str::<holdfast_sentinel::Options>(&yaml).unwrap(),
                options
            );
        }
    }
}
