//! One round of the quick drills against Holdfast itself.
//!
//! Needs the `holdfast` binary: `$HOLDFAST_BINARY`, or the one built beside this test. Without it there is nothing to test, and the
//! test says so.

#![allow(clippy::unwrap_used)]

use holdfast_crucible::fault::Drill;
use holdfast_crucible::target::Against;
use holdfast_crucible::{CrucibleOptions, GroupOptions, run};
use std::path::PathBuf;

fn binary() -> Option<PathBuf> {
    let beside = || {
        Some(
            std::env::current_exe()
                .ok()?
                .parent()?
                .parent()?
                .join("holdfast"),
        )
    };
    let path = std::env::var_os("HOLDFAST_BINARY")
        .map(PathBuf::from)
        .or_else(beside)?;
    path.exists().then_some(path)
}

async fn pass(drills: &[Drill]) {
    let Some(binary) = binary() else {
        println!("skipped: no holdfast binary; build it, or name it in HOLDFAST_BINARY");
        return;
    };
    let options = CrucibleOptions {
        drills: drills.to_vec(),
        rounds: 1,
        only: Some(Against::Holdfast),
        group: GroupOptions {
            holdfast: Some(binary),
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
async fn a_cut_off_primary_acknowledges_nothing_beside_its_successor() {
    pass(&[Drill::Partition]).await;
}
