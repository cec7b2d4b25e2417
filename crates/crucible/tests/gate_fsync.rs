//! In `fsync` no reply comes out of the gate before its primary and k replicas have synced. Shown on whole groups with each
//! server that is installed, by slowing disks down: first the primary's, then those of as many replicas as the promise rests on.
//!
//! Needs the `holdfast` binary, see `common`.

#![allow(clippy::unwrap_used)]

mod common;

use common::binary;
use holdfast_crucible::GroupOptions;
use holdfast_crucible::client::Connection;
use holdfast_crucible::target::interposer::Orders;
use holdfast_crucible::target::{Against, Durability, Interposer, NodeProcess, System, readiness};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How much longer a sync takes; an answer that is there sooner did not wait for it.
const SLOW: Duration = Duration::from_millis(150);
const LIMIT: Duration = Duration::from_secs(10);
/// The group may take so long to be whole, on a machine that has much else to do.
const WHOLE: Duration = Duration::from_secs(60);
/// A replica acknowledges when it is asked, and once a second. So many requests, spread over seconds, meet both.
const REQUESTS: usize = 12;
const TRIES: usize = 3;

/// The soonest answers while disks are slow.
#[derive(Debug)]
struct Soonest {
    primary: Duration,
    one_replica: Duration,
    both_replicas: Duration,
}

/// A busy machine may elect another primary meanwhile; then it is measured anew.
async fn measure(server: &Path, durability: Durability, holdfast: &Path) -> Soonest {
    for _ in 0..TRIES {
        if let Some(found) = measured_once(server, durability, holdfast).await {
            return found;
        }
    }
    panic!("each of {TRIES} times the primary closed the connection");
}

/// A primary and two replicas, of which one must have what is acknowledged. None if the primary closed a connection.
async fn measured_once(server: &Path, durability: Durability, holdfast: &Path) -> Option<Soonest> {
    let dir = tempfile::tempdir().unwrap();
    let options = GroupOptions {
        replicas: 2,
        server: server.to_owned(),
        holdfast: Some(holdfast.to_owned()),
        durability,
        ..GroupOptions::default()
    };
    let spec = options.spec(dir.path(), false, true).unwrap();
    let system = System::start(Against::Holdfast, &spec).await.unwrap();
    let address = readiness::wait(&system, WHOLE).await.unwrap();
    let nodes = system.group().unwrap().nodes;
    let (primary, replicas): (Vec<_>, Vec<_>) =
        nodes.into_iter().partition(|node| node.address == address);
    let mut found = Vec::new();
    for slow in [&primary[..], &replicas[..1], &replicas] {
        found.push(soonest(&system, &address, slow).await);
    }
    system.stop().await.unwrap();
    Some(Soonest {
        primary: found[0]?,
        one_replica: found[1]?,
        both_replicas: found[2]?,
    })
}

/// The shortest time from a write to its answer while the disks of `slow` are slow.
async fn soonest(system: &System, primary: &str, slow: &[NodeProcess]) -> Option<Duration> {
    let shim = system.interposer().unwrap();
    let pids = slow.iter().map(|node| node.server_pid.unwrap());
    let pids: Vec<i32> = pids.collect();
    for pid in &pids {
        assert!(shim.reaches(*pid));
        shim.order(*pid, Orders::slow_disk(SLOW)).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let soonest = soonest_of_all(primary).await;
    for pid in pids {
        shim.relent(pid);
    }
    // What was slow catches up.
    tokio::time::sleep(SLOW * 4).await;
    soonest
}

async fn soonest_of_all(primary: &str) -> Option<Duration> {
    let mut client = Connection::open(primary, LIMIT).await.ok()?;
    let mut soonest = Duration::MAX;
    for number in 0..REQUESTS {
        let began = Instant::now();
        let written = client.call(&["SET", "k", &number.to_string()], LIMIT).await;
        let written = written.inspect_err(|error| println!("not measured: {error:?}"));
        assert_eq!(written.ok()?.as_str(), Some("OK"));
        soonest = soonest.min(began.elapsed());
        tokio::time::sleep(Duration::from_millis(20 + 37 * (number as u64 % 5))).await;
    }
    Some(soonest)
}

fn installed() -> Vec<PathBuf> {
    let there = |program: &&str| Command::new(program).arg("--version").output().is_ok();
    let programs = ["redis-server", "valkey-server"];
    programs
        .iter()
        .filter(|p| there(p))
        .map(PathBuf::from)
        .collect()
}

#[tokio::test]
async fn no_reply_leaves_the_gate_before_the_primary_and_k_replicas_have_synced() {
    let Some(holdfast) = binary() else { return };
    if let Some(why) = Interposer::obstacle() {
        println!("skipped: {why}");
        return;
    }
    for server in installed() {
        let found = measure(&server, Durability::Fsync, &holdfast).await;
        println!("{} in fsync: {found:?}", server.display());
        assert!(found.primary >= SLOW, "the primary had not synced");
        assert!(found.both_replicas >= SLOW, "no replica had synced");
        assert!(found.one_replica < SLOW, "k is 1: the other one suffices");
        let found = measure(&server, Durability::Quorum, &holdfast).await;
        println!("{} in quorum: {found:?}", server.display());
        let any = found.primary.min(found.both_replicas);
        assert!(any < SLOW, "quorum waits for no disk: the test cannot fail");
    }
}
