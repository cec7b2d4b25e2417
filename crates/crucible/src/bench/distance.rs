//! What waiting for replicas costs when they are half a millisecond away: the gate, beside `WAIT` behind every write.
//!
//! Every node lives in a network namespace of its own. What replicas say to the primary, and hear from it, goes through a relay
//! that holds each direction for a quarter of a millisecond; clients are near.

use crate::bench::figures::{Figures, GateFigures};
use crate::bench::gate::primary;
use crate::bench::load::{Load, Shape};
use crate::client::Connection;
use crate::drill::Stage;
use crate::options::BenchOptions;
use crate::target::network::{Network, Relay};
use crate::target::{Against, System};
use anyhow::{Context, Result, anyhow, bail};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// Rounds of each kind of work; the systems take turns in each.
const ROUNDS: usize = 5;

/// How long each measures.
const RUN: Duration = Duration::from_secs(2);

/// One way of the round trip of 0.5 ms.
const ONE_WAY: Duration = Duration::from_micros(250);

/// What the others are compared with.
pub(super) const WAIT: &str = "WAIT per operation";

/// What a question may take, and the replicas' coming back.
const LIMIT: Duration = Duration::from_secs(5);
const BACK: Duration = Duration::from_secs(20);

const WORK: &[(&str, Shape)] = &[
    ("SET, 50 connections", Shape::of(50, 1)),
    ("SET, 50 × pipeline 16", Shape::of(50, 16)),
    ("SET, 200 connections", Shape::of(200, 1)),
    ("SET, 1 connection", Shape::of(1, 1)),
];

/// Measures every kind of work.
pub async fn measure(options: &BenchOptions, dir: &Path, figures: &mut Figures) -> Result<()> {
    if let Some(why) = Network::obstacle() {
        eprintln!("    not measured with replicas far away: {why}");
        return Ok(());
    }
    let kinds = [
        (Against::Upstream, options.group.clone()),
        (Against::Holdfast, options.group.quorum(1)),
        (Against::Holdfast, options.group.quorum(2)),
    ];
    let (mut stages, mut near) = (Vec::new(), Vec::new());
    for (number, (against, group)) in kinds.iter().enumerate() {
        let mut stage = Stage::new(group, &dir.join(format!("distance-{number}")), true, false);
        near.push(move_away(stage.system(*against).await?).await?);
        stages.push(stage);
    }
    let systems = [
        ("plain, unacknowledged", near[0], 0),
        (WAIT, near[0], 1),
        ("quorum, k = 1", near[1], 0),
        ("quorum, k = 2", near[2], 0),
    ];
    for (work, shape) in WORK {
        for row in take_turns(work, *shape, &systems).await? {
            eprintln!("    {}", row.line());
            figures.put_distance(row);
        }
    }
    for stage in stages {
        stage.stop().await?;
    }
    Ok(())
}

/// One kind of work, for systems with their primary's address and the number for `WAIT`.
async fn take_turns(
    work: &str,
    shape: Shape,
    systems: &[(&str, SocketAddr, usize)],
) -> Result<Vec<GateFigures>> {
    let rows = systems
        .iter()
        .map(|system| GateFigures::new(work, system.0));
    let mut rows: Vec<_> = rows.collect();
    for _ in 0..ROUNDS {
        for (row, (_, address, wait)) in rows.iter_mut().zip(systems) {
            let wait = *wait;
            let load = Load::run(*address, Shape { wait, ..shape }, RUN).await?;
            let waited = load.latency();
            row.per_second.push(load.per_second());
            row.p50_ms.push(waited.p50);
            row.p99_ms.push(waited.p99);
        }
    }
    Ok(rows)
}

/// Puts a relay between the replicas and the primary, and waits until all have come back through it. Returns where clients
/// reach the primary without it.
async fn move_away(system: &System) -> Result<SocketAddr> {
    let network = system.network().context("a group in a network")?;
    let group = system.group()?;
    let primary = primary(&group).await?;
    let target = primary
        .address
        .parse()
        .context("read the primary's address")?;
    let relay = Relay::start(network.clients().parse()?, target, ONE_WAY)?;
    for (index, node) in group.nodes.iter().enumerate() {
        if node.name != primary.name {
            network.lead_through(&network.node(index), target, relay.address())?;
        }
    }
    let mut connection = Connection::open(&primary.address, LIMIT)
        .await
        .map_err(|error| anyhow!("connect to the primary: {error:?}"))?;
    let killed = connection.call(&["CLIENT", "KILL", "TYPE", "replica"], LIMIT);
    killed
        .await
        .map_err(|error| anyhow!("part the replicas: {error:?}"))?;
    await_replicas(&mut connection, group.nodes.len() - 1, &relay).await?;
    Ok(target)
}

async fn await_replicas(connection: &mut Connection, replicas: usize, relay: &Relay) -> Result<()> {
    let until = Instant::now() + BACK;
    while Instant::now() < until {
        let said = connection.call(&["INFO", "replication"], LIMIT).await;
        let said = said.map_err(|error| anyhow!("ask the primary: {error:?}"))?;
        let online = said
            .as_str()
            .unwrap_or_default()
            .matches("state=online")
            .count();
        if online == replicas && relay.carried() >= replicas {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the replicas did not come back through the relay")
}
