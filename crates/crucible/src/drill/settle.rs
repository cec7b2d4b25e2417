//! Between rounds: waiting until the group is whole, and for a stock group, hurrying it along.
//!
//! Stock Sentinel needs 10 s and more until a returned master follows the new one, and looks at replicas every 10 s only. That is
//! measured in the round, not in the wait between rounds; so there the crucible lends a hand.

use crate::client::Directory;
use crate::client::connection::ask;
use crate::target::{Against, Group, System, readiness};
use anyhow::Result;
use std::time::{Duration, Instant};

const ASK: Duration = Duration::from_millis(500);
/// How long a stock group is left alone with its troubles.
const ALONE: Duration = Duration::from_millis(300);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What stock Sentinel uses by itself.
const USUAL_INFO_PERIOD_MS: u64 = 10_000;
const HURRIED_INFO_PERIOD_MS: u64 = 200;

/// Waits until `system` is whole, at most `limit`; gives the primary's address.
pub async fn settle(system: &System, limit: Duration) -> Result<String> {
    if system.against() == Against::Holdfast {
        return readiness::wait(system, limit).await;
    }
    set_info_period(&system.group()?, HURRIED_INFO_PERIOD_MS).await;
    let (group, began) = (system.group()?, Instant::now());
    let help = async || {
        if began.elapsed() > ALONE {
            lend_a_hand(&group).await;
        }
    };
    let primary = readiness::wait_helping(system, limit, LOOK_EVERY, help).await;
    set_info_period(&system.group()?, USUAL_INFO_PERIOD_MS).await;
    primary
}

/// Points every stray node at the primary that all sentinels name, once none of them has a failover under way.
async fn lend_a_hand(group: &Group) {
    let Some(primary) = settled_primary(group).await else {
        return;
    };
    let Some((host, port)) = primary.rsplit_once(':') else {
        return;
    };
    for node in group.nodes.iter().filter(|node| node.address != primary) {
        if follows(&node.address, host, port).await == Some(false) {
            let _ = ask(&node.address, &["REPLICAOF", host, port], ASK).await;
        }
    }
    // A restarted sentinel, or one that was down, asks at once when its period is set again.
    set_info_period(group, HURRIED_INFO_PERIOD_MS).await;
}

async fn settled_primary(group: &Group) -> Option<String> {
    let answers = Directory::new(group.sentinel_addresses(), &group.group, ASK)
        .survey()
        .await;
    let first = answers.first().cloned().flatten()?;
    for (answer, sentinel) in answers.iter().zip(&group.sentinels) {
        let master = ask(
            &sentinel.address,
            &["SENTINEL", "MASTER", &group.group],
            ASK,
        )
        .await
        .ok()?;
        let words = master.as_slice()?;
        let flags = words
            .iter()
            .position(|word| word.as_str() == Some("flags"))?;
        if answer.as_ref() != Some(&first) || words.get(flags + 1)?.as_str() != Some("master") {
            return None;
        }
    }
    Some(first)
}

async fn follows(address: &str, host: &str, port: &str) -> Option<bool> {
    let role = ask(address, &["ROLE"], ASK).await.ok()?;
    let words = role.as_slice()?;
    let (kind, to, at) = (words.first()?.as_str()?, words.get(1), words.get(2));
    let same_host = to.and_then(|host| host.as_str()) == Some(host);
    let same_port = at
        .and_then(holdfast_resp::Value::as_integer)
        .map(|port| port.to_string())
        .as_deref()
        == Some(port);
    Some(kind == "slave" && same_host && same_port)
}

async fn set_info_period(group: &Group, period_ms: u64) {
    for sentinel in &group.sentinels {
        // A sentinel that is down learns it next time.
        let _ = ask(
            &sentinel.address,
            &["SENTINEL", "DEBUG", "INFO-PERIOD", &period_ms.to_string()],
            ASK,
        )
        .await;
    }
}
