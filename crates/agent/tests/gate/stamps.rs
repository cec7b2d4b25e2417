//! Where acknowledgements mean disks: barriers write stamps, and the stamps are in the files.

use crate::blocking;
use crate::group::Group;
use crate::server_support::Node0;
use holdfast_core::mutant::Mutant;
use holdfast_core::record::Durability;
use holdfast_core::stamp::Stamp;
use std::time::Duration;

async fn stamp_of(node: &mut Node0) -> Option<Stamp> {
    node.link
        .info()
        .await
        .expect("what it says of itself")
        .stamp
}

/// Ends a server without a chance to save, and starts one on its files.
async fn killed_and_back(node: Node0) -> Node0 {
    node.server.kill();
    node.server.released().await;
    Node0::start_in(node.home, node.options).await
}

#[tokio::test]
async fn what_is_released_has_a_stamp_behind_it_that_survives_sigkill() {
    let mut group = Group::start_as(2, 2, Durability::Fsync, "", Mutant::None).await;
    let mut client = group.client();
    blocking(|| {
        assert_eq!(client.text(&["SET", "a", "1"]), "OK");
        assert_eq!(client.text(&["DBSIZE"]), "1");
    });
    let early = stamp_of(&mut group.replicas[0].node)
        .await
        .expect("a stamp");
    blocking(|| {
        assert_eq!(client.text(&["SET", "a", "2"]), "OK");
    });
    let late = stamp_of(&mut group.primary.node).await.expect("a stamp");
    assert!(late > early && late.epoch == 1, "{early} {late}");
    for gated in group.replicas {
        drop(gated.gate);
        let mut node = killed_and_back(gated.node).await;
        assert_eq!(stamp_of(&mut node).await, Some(late));
        assert_eq!(node.get("a").await.as_deref(), Some("2"));
    }
}

#[tokio::test]
async fn a_flush_takes_the_stamp_and_the_next_barrier_brings_it_back() {
    let mut group = Group::start_as(1, 1, Durability::Fsync, "", Mutant::None).await;
    let mut client = group.client();
    blocking(|| {
        assert_eq!(client.text(&["SET", "a", "1"]), "OK");
        assert_eq!(client.text(&["FLUSHALL"]), "OK");
        assert_eq!(client.text(&["DBSIZE"]), "0");
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(stamp_of(&mut group.replicas[0].node).await.is_some());
}
