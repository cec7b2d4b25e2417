//! A group as text.

use crate::paint::{Paint, Tone};
use crate::table::Table;
use crate::units::{ago, bytes};
use holdfast_core::status::{Decision, GroupStatus, NodeStatus, SentinelStatus};

const DECISIONS_SHOWN: usize = 8;

pub(super) fn lines(
    status: &GroupStatus,
    decisions: &[Decision],
    now_unix_ms: u64,
    paint: Paint,
) -> Vec<String> {
    let mut lines = heading(status, paint);
    lines.push(String::new());
    lines.extend(nodes(&status.nodes).lines(paint));
    lines.push(String::new());
    lines.extend(sentinels(&status.sentinels).lines(paint));
    if !decisions.is_empty() {
        lines.push(String::new());
        lines.push(paint.text("LAST DECISIONS", Tone::Faint));
    }
    let first = decisions.len().saturating_sub(DECISIONS_SHOWN);
    lines.extend(
        decisions[first..]
            .iter()
            .map(|decision| told(decision, now_unix_ms)),
    );
    lines
}

fn told(decision: &Decision, now_unix_ms: u64) -> String {
    format!(
        "{:>11}  {}: {}{}",
        ago(decision.at_unix_ms, now_unix_ms),
        decision.by,
        decision.text,
        repeated(decision, now_unix_ms)
    )
}

/// How often a decision was made, where that was more than once.
pub(crate) fn repeated(decision: &Decision, now_unix_ms: u64) -> String {
    match decision.repeats {
        0 => String::new(),
        more => format!(
            " ({} times, first {})",
            more + 1,
            ago(decision.first(), now_unix_ms)
        ),
    }
}

fn heading(status: &GroupStatus, paint: Paint) -> Vec<String> {
    let group = paint.text(&status.group, Tone::Strong);
    let mut lines = vec![format!(
        "group {group}, epoch {}, {}, {} durability, as {} sees it",
        status.epoch, status.phase, status.durability, status.sentinel
    )];
    lines.push(match (&status.primary, &status.primary_address) {
        (Some(name), Some(address)) => {
            format!("primary {} at {address}", paint.text(name, Tone::Good))
        }
        (Some(name), None) => format!("primary {name}, address not known yet"),
        (None, _) => paint.text("no primary", Tone::Bad),
    });
    lines.extend(
        status
            .trouble
            .iter()
            .map(|trouble| paint.text(trouble, Tone::Bad)),
    );
    lines
}

fn nodes(nodes: &[NodeStatus]) -> Table {
    let mut table = Table::new(&[
        "NODE", "ROLE", "STATE", "ADDRESS", "EPOCH", "POSITION", "LAG", "MEMORY", "KEYS", "SERVER",
        "NOTE",
    ]);
    for node in nodes {
        let lag = node.lag_bytes.filter(|_| node.role != "primary");
        let role_tone = if node.writable {
            Tone::Good
        } else {
            Tone::Plain
        };
        table.row(vec![
            (node.name.clone(), Tone::Plain),
            (node.role.clone(), role_tone),
            (node.state.clone(), state_tone(&node.state)),
            (or_dash(node.address.as_ref()), Tone::Plain),
            (node.epoch.to_string(), Tone::Plain),
            (or_dash(node.position.as_ref()), Tone::Plain),
            (or_dash(lag.map(bytes).as_ref()), Tone::Plain),
            (or_dash(node.memory_bytes.map(bytes).as_ref()), Tone::Plain),
            (or_dash(node.keys.as_ref()), Tone::Plain),
            (or_dash(node.server.as_ref()), Tone::Plain),
            (note(node), Tone::Faint),
        ]);
    }
    table
}

fn sentinels(sentinels: &[SentinelStatus]) -> Table {
    let mut table = Table::new(&["SENTINEL", "STATE", "VOTES", "ADDRESS", "SUSPECTS"]);
    for sentinel in sentinels {
        let (state, tone) = if sentinel.connected {
            ("connected", Tone::Good)
        } else {
            ("unreachable", Tone::Bad)
        };
        let (votes, votes_tone) = if sentinel.voting {
            ("yes", Tone::Plain)
        } else {
            ("no", Tone::Warn)
        };
        table.row(vec![
            (sentinel.name.clone(), Tone::Plain),
            (state.to_owned(), tone),
            (votes.to_owned(), votes_tone),
            (or_dash(sentinel.address.as_ref()), Tone::Plain),
            (or_dash(sentinel.suspects.as_ref()), Tone::Warn),
        ]);
    }
    table
}

/// The tone of a node's state.
pub(crate) fn state_tone(state: &str) -> Tone {
    match state {
        "up" => Tone::Good,
        "starting" | "loading" | "syncing" => Tone::Warn,
        _ => Tone::Bad,
    }
}

fn note(node: &NodeStatus) -> String {
    let suspected = (!node.suspected_by.is_empty())
        .then(|| format!("suspected by {}", node.suspected_by.join(", ")));
    node.reason
        .iter()
        .cloned()
        .chain(suspected)
        .collect::<Vec<_>>()
        .join("; ")
}

fn or_dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_group_at_a_glance() {
        let node = |name: &str, role: &str, port: u16| NodeStatus {
            name: name.into(),
            address: Some(holdfast_core::names::Address::new("127.0.0.1", port)),
            role: role.into(),
            state: "up".into(),
            epoch: 7,
            position: Some(holdfast_core::position::Position {
                epoch: 7,
                offset: 88_123,
            }),
            memory_bytes: Some(1_500_000),
            keys: Some(12),
            server: Some("redis 7.0.15".into()),
            ..NodeStatus::default()
        };
        let status = GroupStatus {
            group: "mymaster".into(),
            sentinel: "sentinel-0".into(),
            epoch: 7,
            phase: "stable".into(),
            durability: "async".into(),
            primary: Some("redis-0".into()),
            primary_address: Some("127.0.0.1:6379".parse().unwrap()),
            nodes: vec![
                node("redis-0", "primary", 6379),
                NodeStatus {
                    lag_bytes: Some(0),
                    state: "hung".into(),
                    reason: Some("no PING for 212 ms".into()),
                    ..node("redis-1", "replica", 6380)
                },
            ],
            sentinels: vec![SentinelStatus {
                name: "sentinel-0".into(),
                connected: true,
                ..SentinelStatus::default()
            }],
            ..GroupStatus::default()
        };
        let decisions = [Decision {
            at_unix_ms: 1_000,
            by: "sentinel-0".into(),
            text: "made redis-0 the primary".into(),
            ..Decision::default()
        }];
        let text = lines(&status, &decisions, 13_000, Paint::off()).join("\n");
        assert_eq!(
            text,
            "group mymaster, epoch 7, stable, async durability, as sentinel-0 sees it
primary redis-0 at 127.0.0.1:6379

NODE     ROLE     STATE  ADDRESS         EPOCH  POSITION  LAG  MEMORY   KEYS  SERVER        NOTE
redis-0  primary  up     127.0.0.1:6379  7      7:88123   -    1.4 MiB  12    redis 7.0.15
redis-1  replica  hung   127.0.0.1:6380  7      7:88123   0 B  1.4 MiB  12    redis 7.0.15  no PING for 212 ms

SENTINEL    STATE      VOTES  ADDRESS  SUSPECTS
sentinel-0  connected  no     -        -

LAST DECISIONS
   12 s ago  sentinel-0: made redis-0 the primary"
        );
    }
}
