use super::*;
use holdfast_core::position::Position;
use holdfast_core::status::NodeStatus;
use holdfast_probes::{Facts as _, described, documented};
use std::sync::Arc;

fn node(name: &str, role: &str) -> NodeStatus {
    NodeStatus {
        name: name.to_owned(),
        role: role.to_owned(),
        state: "up".to_owned(),
        position: Some(Position {
            epoch: 3,
            offset: 100,
        }),
        lag_bytes: Some(7),
        writable: role == "primary",
        heard_ms_ago: Some(40),
        ..NodeStatus::default()
    }
}

fn facts() -> Facts {
    let group = GroupStatus {
        group: "mymaster".to_owned(),
        epoch: 3,
        phase: "stable".to_owned(),
        primary: Some("redis-0".to_owned()),
        nodes: vec![node("redis-0", "primary"), node("redis-1", "replica")],
        ..GroupStatus::default()
    };
    Facts {
        name: "sentinel-0".to_owned(),
        votes: true,
        voters: 3,
        peers: (2, 2),
        groups: vec![group],
        tallies: BTreeMap::new(),
        durations: Durations::default(),
        clients: clients(),
    }
}

fn clients() -> holdfast_protocol::Facts {
    holdfast_protocol::Facts {
        run_id: Arc::from(""),
        process_id: 1,
        tcp_port: 26379,
        unix_us: 0,
        uptime_s: 0,
        max_clients: 10_500,
        connected: 12,
        accepted: 20,
        rejected: 0,
        commands: 100,
        errors: 0,
        bytes_in: 0,
        bytes_out: 0,
        slow_readers_dropped: 0,
        subscribers: 4,
        cpu_system_s: 0.0,
        cpu_user_s: 0.0,
    }
}

fn text(facts: &Facts) -> String {
    let mut metrics = Metrics::default();
    facts.write(&mut metrics);
    metrics.into_text()
}

#[test]
fn every_metric_is_documented_as_it_is() {
    let page = include_str!("../../../../docs/metrics.md");
    let (known, real) = (documented(page, "Sentinel"), described(&text(&facts())));
    assert_eq!(known, real, "docs/metrics.md, section Sentinel");
}

#[test]
fn metrics_say_what_the_facts_are() {
    let text = text(&facts());
    for line in [
        r#"holdfast_sentinel_clients_connected{sentinel="sentinel-0"} 12.0"#,
        r#"holdfast_group_writable{sentinel="sentinel-0",group="mymaster"} 1.0"#,
        r#"holdfast_group_phase{sentinel="sentinel-0",group="mymaster",phase="stable"} 1.0"#,
        r#"holdfast_group_node_lag_bytes{sentinel="sentinel-0",group="mymaster",node="redis-1"} 7.0"#,
        r#"holdfast_group_node_primary{sentinel="sentinel-0",group="mymaster",node="redis-1"} 0.0"#,
    ] {
        assert!(
            text.lines().any(|known| known == line),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn a_young_one_waits_for_the_primary_to_connect() {
    let mut young = facts();
    young.groups[0].nodes[0].writable = false;
    assert_eq!(
        young.ready(),
        Err("the primary of mymaster has not connected yet".to_owned())
    );
    young.groups[0].primary = None;
    assert!(young.ready().is_ok(), "there is nobody to wait for");
    let mut old = facts();
    old.groups[0].nodes.clear();
    old.clients.uptime_s = FOUND_WITHIN_S;
    assert!(
        old.ready().is_ok(),
        "the others may be the ones that lack something"
    );
}

#[test]
fn ready_is_who_votes_whatever_it_knows() {
    assert!(facts().ready().is_ok());
    let newcomer = Facts {
        votes: false,
        peers: (1, 2),
        ..facts()
    };
    assert_eq!(
        newcomer.ready(),
        Err("it does not vote yet: 1 of 2 other sentinels are connected".to_owned())
    );
}
