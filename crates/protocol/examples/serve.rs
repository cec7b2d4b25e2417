//! Serves a fixed view, to try the protocol by hand: `cargo run -p holdfast-protocol --example serve -- 26399 [requirepass]`.
//!
//! `HOLDFAST …` echoes its words; every five seconds a `+switch-master` is published.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use holdfast_protocol::{
    ActionKind, Address, CachedInfo, Clock, Event, Group, Node, Options, SentinelPeer, View,
    Wiring, spawn,
};
use tokio::sync::{broadcast, mpsc};

fn node(port: u16, primary: Option<&Address>) -> Node {
    Node {
        address: Address::new("127.0.0.1", port),
        run_id: format!("{port:040x}"),
        reports_primary: primary.is_none(),
        follows: primary.cloned(),
        primary_link_ok: primary.is_some(),
        priority: 100,
        info: Some(CachedInfo {
            at: 0,
            text: Some("# Server\r\nredis_version:7.0.15\r\n".into()),
        }),
        ..Node::default()
    }
}

fn view() -> View {
    let primary = Address::new("127.0.0.1", 6379);
    let peer = |number: u16| SentinelPeer {
        id: format!("{number:040x}"),
        address: Address::new("127.0.0.1", 26379 + number),
        ..SentinelPeer::default()
    };
    let group = Group {
        name: "mymaster".to_owned(),
        primary: Some(node(6379, None)),
        replicas: vec![node(6380, Some(&primary)), node(6381, Some(&primary))],
        sentinels: vec![peer(1), peer(2)],
        quorum: 2,
        config_epoch: 1,
        down_after_ms: 5000,
        failover_timeout_ms: 180_000,
        parallel_syncs: 1,
        ..Group::default()
    };
    View {
        my_id: "f".repeat(40),
        current_epoch: 1,
        groups: vec![Arc::new(group)],
        ..View::default()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().as_deref().unwrap_or("26399").parse()?;
    let options = Options {
        listen: vec![([127, 0, 0, 1], port).into()],
        requirepass: args.next(),
        ..Options::default()
    };
    let (actions, mut requests) = mpsc::channel(64);
    let (events, _) = broadcast::channel(1024);
    let view = Arc::new(ArcSwap::from_pointee(view()));
    let wiring = Wiring {
        clock: Clock::start(),
        view,
        actions,
        events: events.clone(),
    };
    let handle = spawn(options, wiring)?;
    println!("listening on {}", handle.addresses()[0]);
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            Some(request) = requests.recv() => {
                let answer = match request.kind {
                    ActionKind::Holdfast(words) => Ok(format!("{words:?}")),
                    ActionKind::Reset { .. } => Ok("1".to_owned()),
                    _ => Ok("OK".to_owned()),
                };
                let _ = request.reply.send(answer);
            }
            _ = ticks.tick() => {
                let (old, new) = (Address::new("127.0.0.1", 6379), Address::new("127.0.0.1", 6380));
                let _ = events.send(Event::switch_master("mymaster", &old, &new));
            }
        }
    }
}
