//! The page says what was found, and nothing in it can break out of its place.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::ordeal::series::{Bucket, Gap};
use crate::ordeal::strike::Struck;
use crate::ordeal::{Blow, Lap, Subject};

fn report(against: Against, durability: Durability, change: impl FnOnce(&mut Lap)) -> OrdealReport {
    let bucket = |index: u64| Bucket {
        at: 1_000_000 * (index + 1),
        acknowledged: 100 * index,
        p50_ms: 0.4,
        p99_ms: 9.0,
        ..Bucket::default()
    };
    let struck = |blow, at| Struck {
        at,
        until: at + 500_000,
        blow,
        whom: "redis-1".to_owned(),
        missed: None,
    };
    let mut lap = Lap {
        number: 1,
        begin: 1_000_000,
        end: 9_000_000,
        struck: vec![
            struck(Blow::KillServer, 2_000_000),
            struck(Blow::Deaf, 4_000_000),
        ],
        buckets: (0..8).map(bucket).collect(),
        gaps: vec![Gap {
            at: 2_010_000,
            length: 123_000,
        }],
        ..Lap::default()
    };
    change(&mut lap);
    let subject = Subject {
        against,
        durability,
        sync_replicas: 1,
        server: "Redis server v=7 <\"x\">".to_owned(),
        nodes: 4,
        sentinels: 3,
        workloads: vec![],
        network: true,
        interposer: false,
        seed: 4711,
        started: 0,
    };
    OrdealReport::new(subject, durability == Durability::Quorum, vec![lap])
}

#[test]
fn a_clean_run_is_green_and_shows_its_gap_with_the_blow_before() {
    let page = render(&report(Against::Holdfast, Durability::Quorum, |_| {}));
    assert!(
        page.contains("banner good")
            && page.contains("123 ms")
            && page.contains("kill-server (redis-1)")
    );
    assert!(page.contains("--seed 4711 --durability quorum --sync-replicas 1"));
    assert!(!page.contains("v=7 <\""), "text is escaped");
    assert!(
        !page.contains("http://") && !page.contains("https://") && !page.contains("<script"),
        "nothing is fetched"
    );
}

#[test]
fn a_loss_is_a_broken_promise_where_it_was_promised() {
    let lose = |lap: &mut Lap| {
        lap.verdict
            .find(crate::check::Finding::Lost, || "SET 0:1 <b>".to_owned());
    };
    let page = render(&report(Against::Holdfast, Durability::Quorum, lose));
    assert!(page.contains("banner bad") && page.contains("SET 0:1 &lt;b&gt;"));
    let async_ = report(Against::Holdfast, Durability::Async, lose);
    assert!(!async_.kept() && !async_.violated() && render(&async_).contains("banner warn"));
    let stock = report(Against::Upstream, Durability::Async, lose);
    assert!(!stock.kept() && !stock.violated());
}

#[test]
fn a_lap_that_did_not_come_back_breaks_a_promise_in_any_durability() {
    let fail = |lap: &mut Lap| lap.failed = Some("no acknowledged write within 30.0 s".to_owned());
    let report = report(Against::Holdfast, Durability::Async, fail);
    assert!(report.violated() && render(&report).contains("banner bad"));
}
