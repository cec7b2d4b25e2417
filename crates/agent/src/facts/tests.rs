#![allow(clippy::unwrap_used)]

use super::*;
use holdfast_core::names::Address;
use holdfast_core::server_version::ServerVersion;
use holdfast_probes::{Facts as _, documented};

fn facts() -> Facts {
    Facts {
        group: "mymaster".into(),
        node: "redis-0".into(),
        role: Role::Primary,
        standing: Standing::Open(3),
        report: Report {
            state: ServerState::Up,
            promised: 3,
            offset: 4711,
            server: ServerVersion::new("redis", "7.0.15"),
            ..Report::default()
        },
        record: Some((3, 12)),
        lease_ms: 450,
        sentinels: (2, 3),
        counts: Counts::default(),
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
    let (known, real) = (documented(page, "Agent"), text(&facts()));
    assert_eq!(
        known,
        holdfast_probes::described(&real),
        "docs/metrics.md, section Agent"
    );
}

#[test]
fn metrics_say_what_the_facts_are() {
    let text = text(&facts());
    for line in [
        r#"holdfast_node_role{group="mymaster",node="redis-0",role="primary"} 1.0"#,
        r#"holdfast_node_role{group="mymaster",node="redis-0",role="sealed"} 0.0"#,
        r#"holdfast_node_lease_seconds{group="mymaster",node="redis-0"} 0.45"#,
        r#"holdfast_node_offset_bytes{group="mymaster",node="redis-0"} 4711.0"#,
        r#"holdfast_server_state{group="mymaster",node="redis-0",state="up"} 1.0"#,
        r#"holdfast_server_starts_total{group="mymaster",node="redis-0"} 0"#,
    ] {
        assert!(
            text.lines().any(|known| known == line),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn only_a_serving_primary_or_a_replica_in_step_is_ready() {
    let following = Standing::Following(3, Address::new("10.0.0.1", 6379));
    let report = facts().report;
    let in_step = Report {
        caught_up: true,
        link_up: true,
        ..report.clone()
    };
    let cases = [
        (Standing::Open(3), report.clone(), true),
        (Standing::Paused(4), report.clone(), true),
        (Standing::Promoted(3), report.clone(), false),
        (Standing::Fresh, report.clone(), false),
        (Standing::Sealed(4), in_step.clone(), false),
        (following.clone(), in_step.clone(), true),
        (following.clone(), report, false),
        (
            following.clone(),
            Report {
                foreign: true,
                ..in_step.clone()
            },
            false,
        ),
        (
            following,
            Report {
                state: ServerState::Hung,
                ..in_step
            },
            false,
        ),
    ];
    for (standing, report, ready) in cases {
        let facts = Facts {
            standing: standing.clone(),
            report,
            ..facts()
        };
        assert_eq!(
            facts.ready().is_ok(),
            ready,
            "{standing:?}: {:?}",
            facts.ready()
        );
    }
}
