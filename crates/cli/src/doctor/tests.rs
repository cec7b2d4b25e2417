#![allow(clippy::unwrap_used)]
use super::evidence::{Disk, Server};
use super::*;
use crate::observation::Observation;
use holdfast_cluster::SentinelEntry;
use holdfast_core::names::Address;
use holdfast_core::status::{GroupStatus, NodeStatus, SentinelStatus};
use std::collections::BTreeMap;

fn node(i: usize) -> NodeStatus {
    let role = if i == 0 { "primary" } else { "replica" };
    NodeStatus {
        name: format!("redis-{i}"),
        role: role.into(),
        state: "up".into(),
        writable: i == 0,
        ..NodeStatus::default()
    }
}

fn healthy() -> GroupStatus {
    let sentinel = |i| SentinelStatus {
        name: format!("sentinel-{i}"),
        connected: true,
        voting: true,
        ..SentinelStatus::default()
    };
    GroupStatus {
        epoch: 3,
        primary: Some("redis-0".into()),
        nodes: (0..3).map(node).collect(),
        sentinels: (0..3).map(sentinel).collect(),
        ..GroupStatus::default()
    }
}

fn evidence(statuses: Vec<GroupStatus>) -> Evidence {
    let address = |i: usize| Address::new("127.0.0.1", 26379 + i as u16);
    let views = statuses
        .into_iter()
        .enumerate()
        .map(|(i, status)| (address(i), Ok(status)))
        .collect();
    Evidence {
        observation: Observation { views },
        ..Evidence::default()
    }
}

fn server(i: usize, fields: &[(&str, &str)]) -> Server {
    let info: BTreeMap<String, String> = fields
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Server {
        name: format!("redis-{i}"),
        address: Address::new("127.0.0.1", 6379),
        info: Ok(info),
        settings: BTreeMap::new(),
        users: BTreeMap::new(),
    }
}

fn codes(evidence: &Evidence) -> Vec<&'static str> {
    diagnose(evidence)
        .into_iter()
        .map(|finding| finding.code)
        .collect()
}

fn sick(edit: impl Fn(&mut GroupStatus)) -> Vec<&'static str> {
    let mut status = healthy();
    edit(&mut status);
    codes(&evidence(vec![status]))
}

#[test]
fn a_healthy_group_has_nothing_to_complain_of() {
    let evidence = evidence(vec![healthy(), healthy(), healthy()]);
    assert!(codes(&evidence).is_empty());
    assert_eq!(exit(&diagnose(&evidence), &evidence), Exit::Ok);
    assert_eq!(
        lines(&[], &evidence, Paint::off()),
        ["all is well: redis-0 is primary, and all 3 sentinels agree"]
    );
}

#[test]
fn every_state_of_a_node_has_its_finding() {
    for (state, code) in [
        ("silent", "node-silent"),
        ("hung", "node-hung"),
        ("down", "node-down"),
        ("gone", "node-gone"),
        ("quarantined", "node-quarantined"),
        ("withheld", "node-withheld"),
        ("doubted", "node-doubted"),
        ("loading", "node-not-ready"),
        ("syncing", "node-not-ready"),
    ] {
        assert_eq!(
            sick(|status| status.nodes[1].state = state.into()),
            [code],
            "{state}"
        );
    }
}

/// A restart does not help there, and an agent that tries by itself is not to be waited for.
#[test]
fn files_that_redis_server_is_not_started_on_are_a_matter_for_a_person() {
    let mut status = healthy();
    status.nodes[1].state = "down".into();
    status.nodes[1].refused = true;
    status.nodes[1].reason = Some("appendonlydir has no manifest".into());
    let found = diagnose(&evidence(vec![status]));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "node-refused");
    assert!(found[0].what.contains("appendonlydir has no manifest"));
    assert!(found[0].advice.contains("docs/recovering.md"));
    assert!(!found[0].advice.contains("starts it again"));
}

#[test]
fn a_primary_that_is_missing_or_closed() {
    assert_eq!(sick(|status| status.primary = None), ["no-primary"]);
    assert_eq!(
        sick(|status| status.nodes[0].writable = false),
        ["primary-closed"]
    );
}

#[test]
fn nobody_to_take_over() {
    assert_eq!(sick(|status| status.nodes.truncate(1)), ["no-replicas"]);
    let all_down = sick(|status| {
        status
            .nodes
            .iter_mut()
            .skip(1)
            .for_each(|node| node.state = "down".into());
    });
    assert_eq!(all_down, ["no-successor", "node-down", "node-down"]);
}

#[test]
fn sentinels_without_a_majority_or_a_vote() {
    let cut = sick(|status| {
        status
            .sentinels
            .iter_mut()
            .skip(1)
            .for_each(|sentinel| sentinel.connected = false);
    });
    assert_eq!(cut, ["no-majority"]);
    assert_eq!(
        sick(|status| status.sentinels[2].voting = false),
        ["not-voting"]
    );
    assert_eq!(
        sick(|status| status.sentinels.truncate(2)),
        ["even-sentinels"]
    );
    assert_eq!(
        sick(|status| status.sentinels.truncate(1)),
        ["one-sentinel"]
    );
}

#[test]
fn sentinels_that_disagree() {
    let stale = GroupStatus {
        epoch: 2,
        primary: Some("redis-1".into()),
        ..healthy()
    };
    let found = diagnose(&evidence(vec![stale, healthy()]));
    assert_eq!(found[0].code, "disagreement");
    assert!(
        found[0]
            .what
            .contains("redis-1 in epoch 2, redis-0 in epoch 3"),
        "{}",
        found[0].what
    );
}

/// For some seconds after a handoff the old primary's gate takes newcomers to the new one.
#[test]
fn a_server_that_is_met_at_two_addresses_is_one_server() {
    let mut status = healthy();
    for node in &mut status.nodes {
        node.run_id = Some(format!("run-of-{}", node.name));
    }
    let found = |run_id: &str| {
        let fields = [("role", "master"), ("run_id", run_id)];
        let mut evidence = evidence(vec![status.clone()]);
        evidence.servers = vec![server(1, &fields).unless_another(Some(&status))];
        codes(&evidence)
    };
    assert!(found("run-of-redis-0").is_empty());
    assert_eq!(found("run-of-redis-1"), ["second-primary"]);
    assert_eq!(found("of nobody here"), ["second-primary"]);
}

#[test]
fn what_the_servers_tell() {
    for (i, fields, code) in [
        (1, vec![("redis_version", "5.0.14")], "old-server"),
        (1, vec![("role", "master")], "second-primary"),
        (
            0,
            vec![
                ("used_memory", "95"),
                ("maxmemory", "100"),
                ("maxmemory_policy", "noeviction"),
            ],
            "memory-full",
        ),
        (
            0,
            vec![
                ("used_memory", "95"),
                ("maxmemory", "100"),
                ("repl_backlog_size", "60"),
                ("maxmemory_policy", "noeviction"),
            ],
            "backlog-large",
        ),
        (
            0,
            vec![("used_memory_rss", "60"), ("total_system_memory", "100")],
            "memory-headroom",
        ),
        (0, vec![("rdb_last_bgsave_status", "err")], "save-failed"),
    ] {
        let evidence = Evidence {
            servers: vec![server(i, &fields)],
            ..evidence(vec![healthy()])
        };
        assert_eq!(codes(&evidence), [code]);
    }
    let mixed = vec![
        server(0, &[("redis_version", "7.0.15")]),
        server(1, &[("redis_version", "7.2.4")]),
    ];
    assert_eq!(
        codes(&Evidence {
            servers: mixed,
            ..evidence(vec![healthy()])
        }),
        ["mixed-versions"]
    );
}

#[test]
fn versions_are_those_that_the_agents_tell() {
    let runs = |servers: [&'static str; 3]| {
        move |status: &mut GroupStatus| {
            for (node, server) in status.nodes.iter_mut().zip(servers) {
                node.server = Some(server.to_owned());
            }
        }
    };
    assert!(sick(runs(["valkey 8.0.1"; 3])).is_empty());
    let patched = runs(["redis 7.0.15", "redis 7.0.11", "redis 7.0.15"]);
    assert_eq!(sick(patched), ["mixed-versions"]);
    let upgrading = runs(["redis 7.0.15", "redis 8.6.2", "redis 7.0.15"]);
    assert_eq!(sick(upgrading), ["mixed-versions"]);
    let upgraded = runs(["redis 8.6.2", "redis 8.6.2", "redis 7.0.15"]);
    assert_eq!(sick(upgraded), ["copy-unreadable"]);
    assert_eq!(sick(runs(["redis 6.0.16"; 3])), ["old-server"; 3]);
}

#[test]
fn a_node_that_cannot_copy_is_no_matter_of_waiting() {
    let codes = sick(|status| status.nodes[1].state = "stuck".to_owned());
    assert_eq!(codes, ["node-stuck"]);
}

#[test]
fn priority_0_everywhere_else_is_named() {
    let never = |nodes: std::ops::Range<usize>| {
        move |status: &mut GroupStatus| {
            for node in &mut status.nodes[nodes.clone()] {
                node.priority = Some(0);
            }
        }
    };
    assert_eq!(sick(never(1..3)), ["never-chosen"]);
    assert_eq!(sick(never(0..3)), ["never-chosen"]);
    assert!(sick(never(0..2)).is_empty());
}

#[test]
fn what_the_next_failover_would_change_is_named() {
    let with = |i: usize, key: &str, events: &str, user: Option<&str>| {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let users = [
            ("default", Some("on nopass")),
            ("holdfast", Some(key)),
            ("app", user),
        ];
        Server {
            settings: [pair("port", key), pair("notify-keyspace-events", events)].into(),
            users: users
                .into_iter()
                .filter_map(|(name, rules)| Some(pair(name, rules?)))
                .collect(),
            ..server(i, &[("redis_version", "7.0.15")])
        }
    };
    let found = |servers: Vec<Server>| {
        diagnose(&Evidence {
            servers,
            ..evidence(vec![healthy()])
        })
    };
    assert!(found(vec![with(0, "1", "", None), with(1, "2", "", None)]).is_empty());
    let differ = found(vec![
        with(0, "1", "AKE", Some("on #abc")),
        with(1, "2", "", None),
    ]);
    let codes: Vec<_> = differ.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["setting-differs", "user-differs"]);
    assert!(
        differ[0].what.contains("`AKE` on redis-0")
            && differ[0].advice.contains("`notify-keyspace-events AKE`")
    );
    assert!(differ[1].what.contains("is missing on redis-1") && !differ[1].what.contains("abc"));
}

#[test]
fn lag_counts_only_when_there_is_much_of_it() {
    assert!(sick(|status| status.nodes[1].lag_bytes = Some(1_000_000)).is_empty());
    assert_eq!(
        sick(|status| status.nodes[1].lag_bytes = Some(20_000_000)),
        ["lag"]
    );
}

#[test]
fn disks() {
    for (free, expected) in [
        (1, Some("disk-full")),
        (100 << 20, Some("disk-nearly-full")),
        (50 << 30, None),
    ] {
        let disk = Disk {
            node: "redis-0".into(),
            path: "/data".into(),
            free_bytes: free,
            total_bytes: 100 << 30,
        };
        let found = codes(&Evidence {
            disks: vec![disk],
            ..evidence(vec![healthy()])
        });
        assert_eq!(found.first().copied(), expected, "{free}");
    }
}

#[test]
fn a_server_that_does_not_answer_is_told_once() {
    let silent = || Server {
        info: Err("Connection refused".into()),
        ..server(1, &[])
    };
    for (state, expected) in [("up", "node-unreachable"), ("down", "node-down")] {
        let mut status = healthy();
        status.nodes[1].state = state.into();
        let evidence = Evidence {
            servers: vec![silent()],
            ..evidence(vec![status])
        };
        assert_eq!(codes(&evidence), [expected]);
    }
}

#[test]
fn a_group_that_does_not_run_is_told_as_that_alone() {
    let mut manifest = Manifest {
        group: "g".into(),
        sentinels: vec![SentinelEntry {
            name: "sentinel-0".into(),
            pid: None,
            address: Address::new("127.0.0.1", 26379),
        }],
        nodes: Vec::new(),
    };
    let found = |manifest: &Manifest| {
        codes(&Evidence {
            servers: vec![Server {
                info: Err("Connection refused".into()),
                ..server(1, &[])
            }],
            manifest: Some(manifest.clone()),
            ..evidence(Vec::new())
        })
    };
    assert_eq!(found(&manifest), ["not-running"]);
    manifest.sentinels[0].pid = Some(std::process::id() as i32);
    assert_eq!(found(&manifest), ["node-unreachable"]);
}

#[test]
fn problems_come_before_warnings() {
    let found = sick(|status| {
        status.sentinels[2].voting = false;
        status.nodes[1].state = "hung".into();
    });
    assert_eq!(found, ["node-hung", "not-voting"]);
}
