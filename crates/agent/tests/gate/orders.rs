//! What the gate does when it is told.

use crate::blocking;
use crate::client::Client;
use crate::group::{Gated, Group};
use holdfast_core::gate::{GateOrder, News};
use holdfast_core::mutant::Mutant;
use nix::sys::signal::Signal;
use std::time::Duration;

#[tokio::test]
async fn replies_wait_for_the_replicas() {
    let group = Group::start(2, 1).await;
    blocking(|| {
        let mut client = group.client();
        assert_eq!(client.text(&["SET", "a", "1"]), "OK");
        assert_eq!(group.primary.heard(|_| true), News::Confirmed(1));
        group.freeze();
        client.send(&["SET", "a", "2"]);
        let mut reader = group.client();
        reader.send(&["GET", "a"]);
        assert!(client.is_silent(300), "written, and not acknowledged");
        assert!(reader.is_silent(10), "what may be lost is not shown");
        // One may have been frozen in time for a look of its own.
        let both = |news: &News| matches!(news, News::Lagging(slow) if slow.len() == 2);
        group.primary.heard(both);
        // One of them suffices.
        group.replicas[1].signal(Signal::SIGCONT);
        assert_eq!(crate::client::text(&client.read()), "OK");
        assert_eq!(crate::client::text(&reader.read()), "2");
        group.thaw();
    });
}

#[tokio::test]
async fn two_acknowledgements_are_two_nodes() {
    let group = Group::start(2, 2).await;
    blocking(|| {
        let mut client = group.client();
        assert_eq!(client.text(&["SET", "a", "1"]), "OK");
        group.replicas[0].signal(Signal::SIGSTOP);
        client.send(&["SET", "a", "2"]);
        assert!(client.is_silent(300));
        // The newest rules count: one is enough from here.
        group.primary.gate.order(group.hold(2, 1));
        assert_eq!(crate::client::text(&client.read()), "OK");
        group.primary.heard(|news| *news == News::Confirmed(2));
        group.thaw();
    });
}

#[tokio::test]
async fn a_shut_gate_drops_what_it_holds_and_closes_its_clients() {
    let group = Group::start(1, 1).await;
    blocking(|| {
        let mut idle = group.client();
        assert_eq!(idle.text(&["PING"]), "PONG");
        assert_eq!(idle.text(&["GET", "a"]), "nil");
        group.freeze();
        let mut client = group.client();
        client.send(&["SET", "a", "2"]);
        assert!(client.is_silent(50));
        group.primary.gate.order(GateOrder::Shut);
        assert!(client.is_closed(), "unknown, not acknowledged");
        assert!(idle.is_closed());
        group.thaw();
        let mut early = group.client();
        early.send(&["GET", "a"]);
        assert!(early.is_closed());
        group.primary.gate.order(group.hold(2, 1));
        assert_eq!(group.client().text(&["GET", "a"]), "2");
    });
}

#[tokio::test]
async fn a_paused_gate_keeps_connections_and_forwards_nothing() {
    let mut group = Group::start(1, 1).await;
    let mut client = group.client();
    blocking(|| {
        assert_eq!(client.text(&["SET", "a", "1"]), "OK");
        group.primary.gate.order(GateOrder::Pause);
        std::thread::sleep(std::time::Duration::from_millis(20));
        client.send(&["SET", "a", "2"]);
        assert!(client.is_silent(100));
    });
    assert_eq!(group.primary.node.get("a").await.as_deref(), Some("1"));
    blocking(|| {
        group.primary.gate.order(group.hold(2, 1));
        assert_eq!(crate::client::text(&client.read()), "OK");
    });
}

#[tokio::test]
async fn a_replica_is_read_at_once_and_a_server_that_died_closes_its_clients() {
    let mut lone = Gated::start("", Mutant::None).await;
    lone.gate.order(GateOrder::Stale);
    blocking(|| {
        let mut client = Client::connect(lone.port());
        assert_eq!(client.text(&["GET", "a"]), "nil");
        assert!(client.text(&["SET", "a", "1"]).starts_with("-READONLY"));
        lone.node.server.kill();
        assert!(client.is_closed());
    });
    lone.node.event().await;
    lone.gate.serve(None);
    blocking(|| {
        let mut client = Client::connect(lone.port());
        assert!(client.is_closed());
    });
}

#[tokio::test]
async fn a_server_that_is_sealed_under_the_gate_releases_nothing_more() {
    let mut group = Group::start(1, 1).await;
    let mut client = group.client();
    blocking(|| assert_eq!(client.text(&["SET", "a", "1"]), "OK"));
    group.primary.node.link.seal().await.unwrap();
    blocking(|| {
        client.send(&["GET", "a"]);
        assert!(client.is_closed());
        group.primary.heard(|news| matches!(news, News::Deposed(_)));
    });
}

#[tokio::test]
async fn places_are_bounded() {
    let group = Group::start(1, 1).await;
    blocking(|| {
        let mut all: Vec<Client> = (0..499).map(|_| group.client()).collect();
        // One place is the replica's.
        for client in &mut all {
            client.send(&["PING"]);
        }
        for client in &mut all {
            assert_eq!(crate::client::text(&client.read()), "PONG");
        }
        let mut late = group.client();
        assert_eq!(
            crate::client::text(&late.read()),
            "-ERR max number of clients reached"
        );
        assert!(late.is_closed());
    });
}

#[tokio::test]
async fn those_whom_nobody_waits_for_have_everything_a_moment_later_and_stand_in_at_once() {
    let mut group = Group::start(3, 1).await;
    let slowest = blocking(|| {
        let mut client = group.client();
        // Whoever answers first is the one who is waited for; each of them stands still once.
        (0..3)
            .map(|frozen| {
                (0..20).for_each(|n| assert_eq!(client.text(&["SET", "a", &n.to_string()]), "OK"));
                group.replicas[frozen].signal(Signal::SIGSTOP);
                let began = std::time::Instant::now();
                assert_eq!(client.text(&["SET", "a", "last"]), "OK");
                group.thaw();
                began.elapsed()
            })
            .max()
    });
    assert!(slowest < Some(Duration::from_millis(150)), "{slowest:?}");
    let written = group
        .primary
        .node
        .link
        .replication()
        .await
        .expect("INFO")
        .offset;
    tokio::time::sleep(Duration::from_millis(500)).await;
    for replica in &mut group.replicas {
        let has = replica.node.link.replication().await.expect("INFO").offset;
        assert!(has >= written, "{has} of {written}");
    }
}

/// Milliseconds of the clock of leases.
fn boottime() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).unwrap();
    now.tv_sec() as u64 * 1_000 + now.tv_nsec() as u64 / 1_000_000
}

/// The server answers after the lease, and nobody tells the gate that it is over: an agent that stood still does not.
fn answer_after_the_lease(group: &Group) -> Client {
    group.primary.gate.order(GateOrder::Pass);
    let mut client = group.client();
    assert_eq!(client.text(&["SET", "a", "1"]), "OK");
    group.primary.signal(Signal::SIGSTOP);
    group.primary.gate.renew(Some(boottime() + 50));
    client.send(&["SET", "a", "2"]);
    assert!(client.is_silent(100));
    group.primary.signal(Signal::SIGCONT);
    client
}

#[tokio::test]
async fn a_gate_that_passes_replies_on_closes_by_itself_when_its_lease_ends() {
    let group = Group::start(1, 1).await;
    blocking(|| {
        assert!(answer_after_the_lease(&group).is_closed());
        group.primary.gate.renew(Some(boottime() + 60_000));
        assert_eq!(group.client().text(&["GET", "a"]), "2", "renewed");
        group.primary.gate.renew(None);
        let mut late = group.client();
        late.send(&["GET", "a"]);
        assert!(late.is_closed());
    });
}

#[tokio::test]
async fn a_gate_that_ignores_its_lease_is_found_out() {
    let group = Group::start_with(1, 1, "", Mutant::AgentIgnoresLease).await;
    blocking(|| {
        let mut client = answer_after_the_lease(&group);
        assert_eq!(crate::client::text(&client.read()), "OK");
    });
}
