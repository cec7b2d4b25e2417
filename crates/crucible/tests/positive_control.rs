//! The drills against stock Redis and Sentinel. They must find what is known to be wrong there; drills that find nothing
//! anywhere prove nothing.

#![allow(clippy::unwrap_used)]

use holdfast_crucible::fault::Drill;
use holdfast_crucible::ordeal::{Blow, OrdealReport};
use holdfast_crucible::report::DrillSummary;
use holdfast_crucible::target::Against;
use holdfast_crucible::{CrucibleOptions, ordeal, run};
use std::process::Command;

async fn drill(drill: Drill) -> DrillSummary {
    let found = Command::new("redis-server").arg("--version").output();
    assert!(found.is_ok(), "these tests need redis-server in PATH");
    let options = CrucibleOptions {
        drills: vec![drill],
        rounds: 1,
        only: Some(Against::Upstream),
        ..CrucibleOptions::default()
    };
    let report = run(options).await.unwrap();
    println!("{}", report.text());
    assert!(
        !report.violated(),
        "stock Redis promises nothing, so it can break no promise"
    );
    report.summaries[0].clone()
}

#[tokio::test]
async fn a_crash_is_survived_after_more_than_a_second() {
    let found = drill(Drill::Crash).await;
    assert_eq!((found.finished, found.duplicated, found.wrong), (1, 0, 0));
    assert!(
        found.acknowledged > 100,
        "hardly any load: {}",
        found.acknowledged
    );
    assert!(
        found.unavailable_ms.max > 900.0,
        "faster than its own down-after: {:?}",
        found.unavailable_ms
    );
}

#[tokio::test]
async fn a_plain_handoff_under_load_loses_writes_and_has_two_writable_primaries() {
    let found = drill(Drill::Handoff).await;
    assert!(found.lost > 0 && found.two_writable > 0, "{found:?}");
}

#[tokio::test]
async fn a_primary_restarted_empty_loses_what_was_written() {
    let found = drill(Drill::RestartEmpty).await;
    assert!(found.lost > 100, "{found:?}");
}

#[tokio::test]
async fn a_frozen_primary_that_wakes_up_is_writable_beside_the_new_one() {
    let found = drill(Drill::Freeze).await;
    assert!(found.lost_direct > 0 && found.two_writable > 0, "{found:?}");
}

#[tokio::test]
async fn a_cut_off_primary_acknowledges_writes_that_are_lost() {
    let found = drill(Drill::Partition).await;
    if let Some(why) = &found.skipped {
        println!("skipped: {why}");
        return;
    }
    assert!(found.lost_direct > 0 && found.two_writable > 0, "{found:?}");
}

#[tokio::test]
async fn a_truncated_append_only_file_takes_acknowledged_data_from_every_node() {
    let found = drill(Drill::TruncatedAof).await;
    // Which keys are in the part that was cut off depends on when the file was last rewritten.
    assert!(found.lost > 100, "{found:?}");
}

#[tokio::test]
async fn replicas_whose_copies_fail_take_settled_data_from_every_node() {
    let found = drill(Drill::FailedCopy).await;
    if let Some(why) = &found.skipped {
        println!("skipped: {why}");
        return;
    }
    assert!(found.lost > 100 && found.wrong >= 200, "{found:?}");
}

/// A few seconds of faults at random.
async fn long_run(blows: Vec<Blow>) -> OrdealReport {
    let dir = tempfile::tempdir().unwrap();
    let options = CrucibleOptions {
        minutes: Some(0.2),
        seed: Some(7),
        blows,
        only: Some(Against::Upstream),
        report: Some(dir.path().join("report.html")),
        ..CrucibleOptions::default()
    };
    let report = ordeal::run(options).await.unwrap();
    println!("{}", report.text());
    let page = std::fs::read_to_string(dir.path().join("report.html")).unwrap();
    assert!(
        page.contains("Crucible: stock Redis Sentinel") && dir.path().join("report.json").exists()
    );
    report
}

#[tokio::test]
async fn the_long_run_finds_that_stock_sentinel_does_not_keep_what_quorum_promises() {
    let report = long_run(vec![Blow::FreezeServer, Blow::Handoff]).await;
    let verdict = &report.totals.verdict;
    assert!(!report.kept() && verdict.all_lost() > 0, "{verdict:?}");
    assert!(
        verdict.stale + verdict.rolled_back + verdict.resurrected > 0,
        "{verdict:?}"
    );
    assert_eq!(
        (verdict.disputed, verdict.duplicated, verdict.torn),
        (0, 0, 0),
        "{verdict:?}"
    );
}
