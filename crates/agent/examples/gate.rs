//! A primary behind its gate, with replicas, without sentinels: to measure the gate alone.
//!
//! `cargo run --release -p holdfast-agent --example gate -- PORT REPLICAS K [pass]` serves until its input ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use holdfast_agent::Options;
use holdfast_agent::gate::{Behind, Gate};
use holdfast_agent::server::{Login, Server, Version};
use holdfast_core::gate::{GateOrder, Hold};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Address, Incarnation, Node};
use holdfast_core::record::Durability;
use holdfast_core::syncset::SyncRule;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;

const PASSWORD: &str = "only to measure";

struct One {
    server: Server,
    gate: Gate,
    listen: Address,
    _events: mpsc::Receiver<holdfast_agent::server::Event>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, otherwise: u16| {
        args.get(index)
            .map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let (port, replicas, k) = (number(0, 7700), number(1, 3), number(2, 1));
    let home = tempfile::TempDir::new().expect("a directory");
    let primary = start(home.path(), port, 0).await;
    let mut link = primary.server.link();
    link.promote().await.expect("promoted");
    link.open().await.expect("opened");
    let mut rule = SyncRule {
        k: usize::from(k),
        ..SyncRule::default()
    };
    let mut others = Vec::new();
    for replica in 1..=replicas {
        let one = start(home.path(), port, replica).await;
        let name = Node::from(format!("redis-{replica}"));
        rule.members.insert(name.clone(), Incarnation::from("run"));
        rule.addresses.insert(name, one.listen.clone());
        let mut link = one.server.link();
        link.follow(&primary.listen).await.expect("follows");
        while !link.replication().await.expect("INFO").link_up {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        others.push(one);
    }
    primary.gate.order(if args.iter().any(|arg| arg == "pass") {
        GateOrder::Pass
    } else {
        GateOrder::Hold(Hold {
            epoch: 1,
            version: 1,
            addresses: rule.addresses.clone(),
            rules: vec![rule],
        })
    });
    println!(
        "ready, pid {} server {}",
        std::process::id(),
        primary.server.pid()
    );
    tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin()))
        .await
        .expect("read")
        .expect("read");
}

async fn start(home: &Path, first: u16, number: u16) -> One {
    let port = first + number;
    let dir = home.join(port.to_string());
    std::fs::create_dir_all(&dir).expect("a directory");
    let conf = dir.join("my.conf");
    std::fs::write(&conf, "appendonly no\nsave \"\"\n").expect("a file");
    let options: Options = serde_json::from_value(serde_json::json!({
        "name": format!("redis-{number}"), "group": "mymaster", "cluster": "measured", "secret_file": "/dev/null",
        "dir": dir.join("agent"), "data_dir": dir.join("data"), "listen": format!("127.0.0.1:{port}"),
        "sentinels": [], "redis_conf": conf, "durability": Durability::Quorum, "memory_limit_bytes": 2_u64 << 30,
    }))
    .expect("options");
    let gate = Gate::start(&options.listen, None, 20_000, Mutant::None, |_| true).expect("a gate");
    gate.renew(Some(u64::MAX));
    let server = std::env::var("SERVER").unwrap_or_else(|_| "redis-server".to_owned());
    let version = Version::detect(Path::new(&server)).expect("a server");
    let (sender, mut events) = mpsc::channel(16);
    let server = Server::start(&options, &version, PASSWORD, sender).expect("started");
    events.recv().await.expect("an answer");
    gate.serve(Some(Behind {
        socket: server.socket().to_owned(),
        id: server.id(),
        login: Login::new(PASSWORD, &options),
        sharded: true,
        stamps: None,
    }));
    One {
        server,
        gate,
        listen: options.listen,
        _events: events,
    }
}
