//! I11: after faults stop and a majority is connected, writes resume within a bound, every node follows
//! the primary, and all have the same data in the end.

use crate::report::Violation;
use crate::world::{World, group};
use holdfast_core::sentinel::SentinelCore;

/// Whether the group serves again: one writer, all others follow it in step, clients are answered.
/// What is missing otherwise.
pub fn trouble(world: &World) -> Option<String> {
    let writers: Vec<usize> = (0..world.nodes.len())
        .filter(|node| world.accepts(*node))
        .collect();
    let [writer] = writers[..] else {
        return Some(format!("nodes {writers:?} accept writes"));
    };
    let address = &world.nodes[writer].address;
    for (node, host) in world
        .nodes
        .iter()
        .enumerate()
        .filter(|(node, _)| *node != writer && !world.is_foreign(*node))
    {
        let Some(redis) = &host.redis else {
            return Some(format!("node {node} has no redis-server"));
        };
        if redis.server.busy_since().is_some() {
            return Some(format!("node {node} runs a script"));
        }
        if redis.is_silent(world.now) {
            return Some(format!("node {node} is paused by a client"));
        }
        let info = redis.server.info();
        if info.following.as_ref() != Some(address) || !info.link_up {
            return Some(format!(
                "node {node} does not follow node {writer}: {info:?}"
            ));
        }
    }
    if world.must_hold() {
        return None;
    }
    let silent = world
        .clients
        .iter()
        .position(|client| client.acknowledged_at + client.silent_us() < world.now)?;
    Some(format!(
        "client {silent} has had nothing acknowledged for too long"
    ))
}

/// Called at the very end, when clients have stopped: all nodes hold the same.
pub fn check_converged(world: &World) -> Option<Violation> {
    let writer = (0..world.nodes.len()).find(|node| world.accepts(*node))?;
    let data = world.data_of(writer)?;
    let other = (0..world.nodes.len()).find(|node| {
        !world.is_foreign(*node) && world.data_of(*node).is_some_and(|held| held != data)
    })?;
    let held = world.data_of(other).unwrap_or_default();
    let first = data.iter().zip(held.iter()).position(|(a, b)| a != b);
    let text = format!(
        "node {other} follows node {writer} and holds other data: {} values instead of {}, the first other one at {first:?}, written {:?}",
        held.len(),
        data.len(),
        first.map(|f| (data[f], held[f], world.ledger.written_of(data[f])))
    );
    Some(Violation {
        invariant: "i11_writes_resume",
        at_us: world.now,
        text,
    })
}

/// What the first sentinel that lives shows of each node.
fn shown(world: &World) -> String {
    let status = world.sentinels.iter().find_map(|host| {
        let now = host.clock.at(world.now);
        host.core.as_ref()?.status(now, &group())
    });
    let nodes = status.map(|status| status.nodes).unwrap_or_default();
    let lines = nodes.iter().map(|n| {
        format!(
            "{} is {} {}",
            n.name,
            n.state,
            n.reason.as_deref().unwrap_or_default()
        )
    });
    lines.collect::<Vec<_>>().join("; ")
}

/// What each sentinel goes by.
fn views(world: &World) -> String {
    let seen_by = |core: &SentinelCore| {
        let group = core.groups().next().map(|(_, group)| group)?;
        let record = group.record().map(|r| {
            (
                r.version,
                r.epoch,
                r.phase,
                r.primary.as_ref().map(|p| p.node.clone()),
                (r.sync.members.keys().cloned().collect::<Vec<_>>(), r.sync.k),
                r.former.len(),
            )
        });
        let (votes, set) = (core.votes(), core.voters().version);
        Some(format!(
            "votes {votes} (voters {set}), record {record:?}, trouble {:?}, steps {:?}",
            group.trouble(),
            group.steps()
        ))
    };
    let all = world.sentinels.iter().map(|host| {
        host.core
            .as_ref()
            .and_then(seen_by)
            .unwrap_or_else(|| "down".to_owned())
    });
    all.collect::<Vec<_>>().join("; ")
}

/// Called when the bound is over.
pub fn late(world: &World, trouble: &str) -> Violation {
    let text = format!(
        "{} s after the last fault the group does not serve: {trouble}; {}; {}",
        (world.now - world.quiet_since) / 1_000_000,
        shown(world),
        views(world)
    );
    Violation {
        invariant: "i11_writes_resume",
        at_us: world.now,
        text,
    }
}
