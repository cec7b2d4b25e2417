//! What can be known to fail before anything is written or started.

use crate::config::agent_options;
use crate::error::StartError;
use crate::plan::Plan;
use crate::spec::Spec;
use anyhow::Context as _;
use holdfast_agent::server::config::{Inputs, render};
use holdfast_agent::server::{Version, VersionError};
use std::path::Path;

/// Finds redis-server and refuses what cannot be run or is too old.
pub(crate) async fn find_server(spec: &Spec) -> Result<Version, StartError> {
    let server = spec.server.clone();
    let found = tokio::task::spawn_blocking(move || Version::detect(&server)).await;
    let version = found.context("cannot look for the server")?;
    let mut version = version.map_err(|error: VersionError| StartError::bad(error.to_string()))?;
    // The processes that get this path must not depend on the folder that `up` was started in.
    version.executable =
        std::path::absolute(&version.executable).context("cannot tell the current folder")?;
    Ok(version)
}

/// Renders the servers' configuration as their agents will: a line of the user's redis.conf that cannot stand
/// is told now, not by every agent's log. Returns what the user should hear of.
pub(crate) fn check_server_config(
    plan: &Plan,
    spec: &Spec,
    dir: &Path,
    server: &Version,
) -> Result<Vec<String>, StartError> {
    let Some(node) = plan.nodes.last() else {
        return Ok(Vec::new());
    };
    let options = agent_options(plan, node, spec, dir, &server.executable)?;
    let redis_conf = spec.redis_conf_lines()?;
    let client_password = spec.node_password()?;
    let rendered = render(&Inputs {
        data: holdfast_agent::server::config::DataUse::Configured,
        options: &options,
        version: server,
        password: "not-the-real-one",
        socket: Path::new("redis.sock"),
        log: &options.dir.join("redis.log"),
        memory_limit: None,
        redis_conf: redis_conf.as_deref(),
        acl: None,
        client_password: client_password.as_deref(),
    });
    rendered
        .map(|rendered| rendered.warnings)
        .map_err(|error| StartError::bad(error.to_string()))
}
