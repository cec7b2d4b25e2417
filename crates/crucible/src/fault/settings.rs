//! Settings of the operator's own that meet those of the group.

use crate::client::connection::ask;
use crate::client::{Connection, Directory};
use crate::fault::Scene;
use crate::fault::hostile::Crowd;
use anyhow::{Context, Result, anyhow, bail, ensure};
use holdfast_resp::Value;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(5);
/// Agents look at their files every 2 s.
const TAKEN_OVER: Duration = Duration::from_secs(10);
/// Places of a server under a storm: enough for the crew, its replicas and its agent.
const PLACES: &str = "64";
/// What the group has without a storm.
const USUAL_PLACES: &str = "10000";
/// Clients that want one.
const CROWD: usize = 96;
/// How long a server that starts again may take to be one of the group, storm or not.
const BACK: Duration = Duration::from_secs(20);
/// Room above what is used when `maxmemory` is set.
const ROOM: i64 = 64 << 20;
/// Live data: so many keys of so many bytes, overwritten so often.
const KEYS: usize = 1000;
const VALUE: usize = 5000;
const TIMES: usize = 20;
/// Keys written in one go.
const BATCH: usize = 100;

/// Lets more clients than there are places come to the primary's address, kills its redis-server, and waits until it is one of
/// the group again.
pub async fn storm(scene: &mut Scene<'_>) -> Result<()> {
    set_everywhere(scene, "maxclients", PLACES).await?;
    let outcome = storm_at(scene).await;
    scene
        .system
        .configure(&[("maxclients", USUAL_PLACES)])
        .await?;
    outcome
}

async fn storm_at(scene: &mut Scene<'_>) -> Result<()> {
    let primary = scene.primary().clone();
    let crowd = Crowd::gather(&primary.address, CROWD);
    tokio::time::sleep(Duration::from_millis(200)).await;
    scene.kill(primary.server_pid)?;
    let back = wait_for_all_replicas(scene).await;
    drop(crowd);
    back.with_context(|| format!("{} under a storm of clients", primary.name))
}

/// Asks whoever is primary how many replicas it has.
async fn wait_for_all_replicas(scene: &Scene<'_>) -> Result<()> {
    let group = &scene.group;
    let limit = Duration::from_millis(300);
    let mut directory = Directory::new(group.sentinel_addresses(), &group.group, limit);
    let began = Instant::now();
    // The old one may still be named for a moment.
    tokio::time::sleep(Duration::from_secs(2)).await;
    while began.elapsed() < BACK {
        if let Some(primary) = directory.locate().await
            && replicas_of(&primary).await == Some(group.nodes.len() - 1)
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("not one of the group again after {} s", BACK.as_secs())
}

async fn replicas_of(primary: &str) -> Option<usize> {
    let role = ask(primary, &["ROLE"], Duration::from_secs(1)).await.ok()?;
    let [kind, _, replicas] = role.as_slice()? else {
        return None;
    };
    (kind.as_str() == Some("master")).then_some(replicas.as_slice()?.len())
}

/// Sets `maxmemory` a little above what is used, and overwrites a few live keys again and again: none of it may be refused, and
/// nothing may be evicted.
pub async fn own_maxmemory(scene: &mut Scene<'_>) -> Result<()> {
    let limit = used_memory(&scene.primary().address).await? + ROOM;
    let policy = ["noeviction", "allkeys-lru"][scene.dice.below(2)];
    scene
        .system
        .configure(&[
            ("maxmemory", &limit.to_string()),
            ("maxmemory-policy", policy),
        ])
        .await?;
    wait_for(&scene.primary().address, "maxmemory", &limit.to_string()).await?;
    scene.strike();
    let outcome = overwrite(&scene.primary().address, policy).await;
    scene
        .system
        .configure(&[("maxmemory", "0"), ("maxmemory-policy", "noeviction")])
        .await?;
    wait_for(&scene.primary().address, "maxmemory", "0").await?;
    outcome
}

async fn used_memory(address: &str) -> Result<i64> {
    let reply = call(address, &["INFO", "memory"]).await?;
    let text = reply.as_str().unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    line.and_then(|number| number.trim().parse().ok())
        .context("find used_memory in INFO")
}

async fn overwrite(address: &str, policy: &str) -> Result<()> {
    let mut connection = open(address).await?;
    let names: Vec<String> = (0..KEYS)
        .map(|key| format!("crucible:live:{key}"))
        .collect();
    let value = "x".repeat(VALUE);
    for _ in 0..TIMES {
        for batch in names.chunks(BATCH) {
            let commands: Vec<[&str; 3]> = batch.iter().map(|name| ["SET", name, &value]).collect();
            let commands: Vec<&[&str]> = commands.iter().map(<[&str; 3]>::as_slice).collect();
            let replies = connection.pipeline(&commands, LIMIT).await;
            let replies = replies.map_err(|error| anyhow!("overwriting live data: {error:?}"))?;
            if let Some(refusal) = replies.iter().find_map(Value::error) {
                bail!("overwriting live data with {policy}: {refusal}");
            }
        }
    }
    let command: Vec<&str> = ["EXISTS"]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let there = connection.call(&command, LIMIT).await;
    let there = there.map_err(|error| anyhow!("{error:?}"))?.as_integer();
    ensure!(
        there == Some(KEYS as i64),
        "{policy} evicted live data: {there:?} of {KEYS} keys are there"
    );
    let command: Vec<&str> = ["UNLINK"]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    connection
        .call(&command, LIMIT)
        .await
        .map_err(|error| anyhow!("{error:?}"))?;
    Ok(())
}

async fn set_everywhere(scene: &Scene<'_>, key: &str, value: &str) -> Result<()> {
    scene.system.configure(&[(key, value)]).await?;
    for node in &scene.group.nodes {
        wait_for(&node.address, key, value).await?;
    }
    Ok(())
}

/// Waits until the server at `address` has the setting. `CONFIG GET` is not for clients behind a gate; `INFO` names it with
/// underscores.
async fn wait_for(address: &str, key: &str, value: &str) -> Result<()> {
    let (began, field) = (Instant::now(), format!("{}:", key.replace('-', "_")));
    loop {
        let found = call(address, &["INFO"]).await;
        let text = found
            .ok()
            .and_then(|reply| reply.as_str().map(str::to_owned));
        let mut found = text.as_deref().unwrap_or_default().lines();
        let found = found.find_map(|line| line.strip_prefix(&field));
        if found == Some(value) {
            return Ok(());
        }
        ensure!(
            began.elapsed() < TAKEN_OVER,
            "{address} has {key} {found:?}, not {value}, after {TAKEN_OVER:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn open(address: &str) -> Result<Connection> {
    let opened = Connection::open(address, LIMIT).await;
    opened.map_err(|error| anyhow!("{error:?}"))
}

async fn call(address: &str, command: &[&str]) -> Result<Value> {
    let reply = ask(address, command, LIMIT).await;
    reply.map_err(|error| anyhow!("{address}: {error:?}"))
}
