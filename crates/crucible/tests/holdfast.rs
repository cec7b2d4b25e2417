//! One round of the quick drills against Holdfast itself.
//!
//! Needs the `holdfast` binary, see `common`.

#![allow(clippy::unwrap_used)]

mod common;

use common::{binary, server};
use holdfast_crucible::fault::Drill;
use holdfast_crucible::ordeal::{Blow, OrdealReport};
use holdfast_crucible::target::{Against, Durability, Interposer, Network};
use holdfast_crucible::{CrucibleOptions, GroupOptions, ordeal, run};

async fn pass(drills: &[Drill]) {
    let Some(binary) = binary() else { return };
    let options = CrucibleOptions {
        drills: drills.to_vec(),
        rounds: 1,
        only: Some(Against::Holdfast),
        group: GroupOptions {
            holdfast: Some(binary),
            server: server(),
            ..GroupOptions::default()
        },
        ..CrucibleOptions::default()
    };
    let report = run(options).await.unwrap();
    println!("{}", report.text());
    assert!(!report.violated(), "{:#?}", report.rounds);
    assert!(
        report
            .summaries
            .iter()
            .all(|summary| summary.two_writable == 0)
    );
}

#[tokio::test]
async fn death_and_hang_and_a_planned_handoff() {
    pass(&[
        Drill::Crash,
        Drill::Freeze,
        Drill::Handoff,
        Drill::Node,
        Drill::Sentinel,
        Drill::Replica,
    ])
    .await;
}

#[tokio::test]
async fn a_primary_restarted_empty_wipes_nobody() {
    pass(&[Drill::RestartEmpty]).await;
}

#[tokio::test]
async fn append_only_files_without_their_manifest_cost_nobody_anything() {
    pass(&[Drill::LostManifest]).await;
}

#[tokio::test]
async fn a_cut_off_primary_acknowledges_nothing_beside_its_successor() {
    pass(&[Drill::Partition]).await;
}

/// A few seconds of faults at random; `None` where there is nothing to test.
async fn long_run(durability: Durability, blows: Vec<Blow>) -> Option<OrdealReport> {
    let binary = binary()?;
    let dir = tempfile::tempdir().unwrap();
    let options = CrucibleOptions {
        minutes: Some(0.25),
        seed: Some(11),
        blows,
        report: Some(dir.path().join("report.html")),
        group: GroupOptions {
            holdfast: Some(binary),
            server: server(),
            durability,
            ..GroupOptions::default()
        },
        ..CrucibleOptions::default()
    };
    let report = ordeal::run(options).await.unwrap();
    println!("{}", report.text());
    assert!(!report.violated(), "{:#?}", report.totals);
    assert!(report.totals.blows > 0 && report.totals.operations > 1000);
    Some(report)
}

#[tokio::test]
async fn faults_at_random_break_nothing_that_async_promises() {
    long_run(Durability::Async, vec![]).await;
}

/// Clients still reach a primary that is cut from its group, until its lease ends: `async` acknowledges and loses, and the crucible must see it.
#[tokio::test]
async fn the_long_run_finds_that_async_does_not_keep_what_quorum_promises() {
    if let Some(why) = Network::obstacle() {
        println!("skipped: {why}");
        return;
    }
    if let Some(report) = long_run(Durability::Async, vec![Blow::CutFromGroup]).await {
        assert!(
            !report.kept() && report.totals.verdict.all_lost() > 0,
            "{:#?}",
            report.totals
        );
    }
}

#[tokio::test]
async fn in_fsync_nothing_is_lost_when_everything_loses_its_power() {
    if let Some(why) = Interposer::obstacle() {
        println!("skipped: {why}");
        return;
    }
    // Most of these leave time for writes: twice in this seed the power goes.
    let blows = vec![
        Blow::LosePower,
        Blow::Handoff,
        Blow::SlowDisk,
        Blow::ClockJump,
        Blow::KillSentinel,
    ];
    let Some(report) = long_run(Durability::Fsync, blows).await else {
        return;
    };
    let struck = report.laps.iter().flat_map(|lap| &lap.struck);
    let power = struck.filter(|struck| struck.blow == Blow::LosePower && struck.missed.is_none());
    assert!(power.count() > 0 && report.kept(), "{:#?}", report.totals);
}
