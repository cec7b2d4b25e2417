//! The drill's own network does what the drills rely on: cut means silence, isolation spares the clients.

#![allow(clippy::unwrap_used)]

use holdfast_crucible::client::Connection;
use holdfast_crucible::target::pod::{Mains, Pod, Recipe};
use holdfast_crucible::target::{Network, process};
use nix::sys::signal::Signal;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

const QUICK: Duration = Duration::from_millis(300);

fn server(network: &Network, index: usize, dir: &std::path::Path) -> Pod {
    let place = network.node(index);
    let words = [
        "redis-server",
        "--port",
        "6379",
        "--bind",
        &place.ip,
        "--protected-mode",
        "no",
        "--save",
        "",
        "--repl-diskless-sync-delay",
        "0",
        "--dir",
    ];
    let mut command: Vec<String> = words.map(str::to_owned).to_vec();
    command.push(dir.display().to_string());
    let recipe = Recipe {
        command: Network::inside(Some(&place.namespace), command),
        environment: vec![],
        log: dir.join(format!("{index}.log")),
    };
    Pod::start(recipe, Arc::new(AtomicU64::new(10)), Mains::default()).unwrap()
}

async fn reaches(address: &str) -> bool {
    match Connection::open(address, QUICK).await {
        Ok(mut connection) => connection.call(&["PING"], QUICK).await.is_ok(),
        Err(_) => false,
    }
}

async fn eventually_reaches(address: &str) -> bool {
    for _ in 0..50 {
        if reaches(address).await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

/// Redis tries once a second.
const SOON: Duration = Duration::from_secs(2);
const AT_LAST: Duration = Duration::from_secs(15);

/// Whether the server at `from` becomes a connected replica of the one at `to`: node to node, past the clients.
async fn follows(from: &str, to: &str, limit: Duration) -> bool {
    let mut connection = Connection::open(from, QUICK).await.unwrap();
    let (host, port) = to.split_once(':').unwrap();
    connection
        .call(&["REPLICAOF", "NO", "ONE"], QUICK)
        .await
        .unwrap();
    connection
        .call(&["REPLICAOF", host, port], QUICK)
        .await
        .unwrap();
    let start = std::time::Instant::now();
    while start.elapsed() < limit {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let role = connection.call(&["ROLE"], QUICK).await.unwrap();
        if role.as_slice().unwrap()[3].as_str() == Some("connected") {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn cut_isolate_and_restart() {
    if let Some(why) = Network::obstacle() {
        println!("skipped: {why}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let network = Network::create(2, 0).unwrap();
    let pods = [
        server(&network, 0, dir.path()),
        server(&network, 1, dir.path()),
    ];
    let [first, second] = [0, 1].map(|index| format!("{}:6379", network.node(index).ip));
    assert!(eventually_reaches(&first).await && eventually_reaches(&second).await);
    assert!(follows(&second, &first, AT_LAST).await);

    network.cut(&network.node(0)).unwrap();
    assert!(!reaches(&first).await && reaches(&second).await);
    network.mend(&network.node(0)).unwrap();
    assert!(eventually_reaches(&first).await);

    network.isolate_from_group(&network.node(0)).unwrap();
    assert!(reaches(&first).await && !follows(&second, &first, SOON).await);
    network.reunite_with_group(&network.node(0)).unwrap();
    assert!(follows(&second, &first, AT_LAST).await);

    let before = pods[0].pid().unwrap();
    process::send(before, Signal::SIGKILL).unwrap();
    assert!(process::wait_gone(&[before], Duration::from_secs(2)).await);
    assert!(eventually_reaches(&first).await);
    let after = pods[0].pid().unwrap();
    assert_ne!(before, after);

    for pod in pods {
        pod.stop().await;
    }
    assert!(
        process::wait_gone(&[after], Duration::from_secs(5)).await,
        "a stopped pod ends and comes back no more"
    );
    let namespace = network.node(0).namespace;
    drop(network);
    assert!(!std::path::Path::new("/run/netns").join(namespace).exists());
}
