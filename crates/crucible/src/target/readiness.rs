//! Waiting until a group is whole: between rounds every node must follow the same primary and every sentinel must agree.

use crate::client::connection::ask;
use crate::client::{Connection, Directory};
use crate::target::{Group, System};
use anyhow::{Result, bail};
use holdfast_resp::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const ASK: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(20);

/// Waits until `system` is whole and takes a write, at most `limit`; gives the primary's address.
///
/// # Errors
/// Says what was missing at the end.
pub async fn wait(system: &System, limit: Duration) -> Result<String> {
    wait_helping(system, limit, STEP, async || ()).await
}

/// The same with a look every `step` only, and with help after each that found it lacking.
pub(crate) async fn wait_helping(
    system: &System,
    limit: Duration,
    step: Duration,
    help: impl AsyncFn(),
) -> Result<String> {
    let start = Instant::now();
    loop {
        let lack = match look(system).await {
            Ok(primary) => return Ok(primary),
            Err(lack) => lack,
        };
        if start.elapsed() > limit {
            bail!(
                "{} is not whole after {:.1} s: {lack}",
                system.against(),
                limit.as_secs_f64()
            );
        }
        help().await;
        tokio::time::sleep(step).await;
    }
}

/// One look: the primary's address, or what is missing.
pub async fn look(system: &System) -> Result<String, String> {
    let group = system.group().map_err(|error| format!("{error:#}"))?;
    if !group.complete() {
        return Err("a process is not running".to_owned());
    }
    let primary = agreed_primary(&group).await?;
    for sentinel in &group.sentinels {
        check_sentinel(&group, &sentinel.address)
            .await
            .map_err(|lack| format!("{}: {lack}", sentinel.name))?;
    }
    check_primary(&group, &primary).await?;
    let offset = check_replicas(&group, &primary).await?;
    check_write(&primary, offset).await?;
    Ok(primary)
}

async fn agreed_primary(group: &Group) -> Result<String, String> {
    let answers = Directory::new(group.sentinel_addresses(), &group.group, ASK)
        .survey()
        .await;
    let first = answers
        .first()
        .cloned()
        .flatten()
        .ok_or("a sentinel names no primary")?;
    if answers.iter().any(|answer| answer.as_ref() != Some(&first)) {
        return Err(format!("sentinels disagree: {answers:?}"));
    }
    group
        .node_at(&first)
        .map(|node| node.address.clone())
        .ok_or(format!("sentinels name the stranger {first}"))
}

async fn check_sentinel(group: &Group, address: &str) -> Result<(), String> {
    let master = fields(&call(address, &["SENTINEL", "MASTER", &group.group]).await?);
    expect(&master, "flags", "master")?;
    expect(
        &master,
        "num-other-sentinels",
        &(group.sentinels.len() - 1).to_string(),
    )?;
    expect(&master, "num-slaves", &(group.nodes.len() - 1).to_string())?;
    let replicas = call(address, &["SENTINEL", "REPLICAS", &group.group]).await?;
    for replica in replicas.as_slice().unwrap_or_default() {
        let replica = fields(replica);
        expect(&replica, "flags", "slave")?;
        expect(&replica, "master-link-status", "ok")?;
    }
    Ok(())
}

async fn check_primary(group: &Group, primary: &str) -> Result<(), String> {
    let role = call(primary, &["ROLE"]).await?;
    let [kind, _, replicas] = role.as_slice().unwrap_or_default() else {
        return Err(format!("{primary} is no master"));
    };
    let connected = replicas.as_slice().unwrap_or_default().len();
    if kind.as_str() != Some("master") || connected + 1 != group.nodes.len() {
        return Err(format!(
            "{primary}: role {:?} with {connected} replicas",
            kind.as_str()
        ));
    }
    Ok(())
}

/// Every other node follows `primary` and is connected; gives the least offset.
async fn check_replicas(group: &Group, primary: &str) -> Result<i64, String> {
    let mut least = i64::MAX;
    for node in group.nodes.iter().filter(|node| node.address != primary) {
        let role = call(&node.address, &["ROLE"]).await?;
        let words = role.as_slice().unwrap_or_default();
        let [_, host, port, state, offset] = words else {
            return Err(format!("{} is no replica", node.name));
        };
        let follows = format!(
            "{}:{}",
            host.as_str().unwrap_or_default(),
            port.as_integer().unwrap_or_default()
        );
        if follows != primary || state.as_str() != Some("connected") {
            return Err(format!(
                "{} follows {follows} ({:?})",
                node.name,
                state.as_str()
            ));
        }
        least = least.min(offset.as_integer().unwrap_or(0));
    }
    Ok(least)
}

/// The primary takes a write, and its offset is not far from the replicas'.
async fn check_write(primary: &str, replicas_at: i64) -> Result<(), String> {
    let mut connection = Connection::open(primary, ASK)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let reply = connection
        .call(&["SET", "crucible:ready", "1"], ASK)
        .await
        .map_err(|error| format!("{error:?}"))?;
    if let Some(error) = reply.error() {
        return Err(format!("{primary} refuses writes: {error}"));
    }
    let role = connection
        .call(&["ROLE"], ASK)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let offset = role
        .as_slice()
        .and_then(|words| words.get(1)?.as_integer())
        .unwrap_or(0);
    if replicas_at < i64::MAX && offset - replicas_at > 1_000_000 {
        return Err(format!(
            "replicas are {} bytes behind",
            offset - replicas_at
        ));
    }
    Ok(())
}

async fn call(address: &str, command: &[&str]) -> Result<Value, String> {
    let reply = ask(address, command, ASK)
        .await
        .map_err(|error| format!("{address}: {error:?}"))?;
    match reply.error() {
        Some(error) => Err(format!("{address}: {error}")),
        None => Ok(reply),
    }
}

/// A flat array of names and values.
fn fields(reply: &Value) -> BTreeMap<String, String> {
    let words: Vec<&str> = reply
        .as_slice()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    words
        .chunks_exact(2)
        .map(|pair| (pair[0].to_owned(), pair[1].to_owned()))
        .collect()
}

fn expect(fields: &BTreeMap<String, String>, name: &str, wanted: &str) -> Result<(), String> {
    let found = fields.get(name).map_or("", String::as_str);
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{name} is `{found}`, not `{wanted}`"))
    }
}
