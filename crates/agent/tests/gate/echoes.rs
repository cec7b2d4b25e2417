//! Clients that are told of barriers do not make more of them.

use crate::blocking;
use crate::client::{Client, text};
use crate::group::Group;
use holdfast_core::mutant::Mutant;
use holdfast_core::record::Durability;
use std::time::Duration;

/// Barriers so far: each asks for the role once.
async fn barriers(group: &mut Group) -> u64 {
    let link = &mut group.primary.node.link;
    let info = link.command(&["INFO", "commandstats"]).await.unwrap();
    let mut lines = info.as_str().unwrap().lines();
    let calls = lines.find_map(|said| said.strip_prefix("cmdstat_role:calls="));
    let calls = calls.and_then(|rest| rest.split(',').next());
    calls.map_or(0, |calls| calls.parse().unwrap())
}

/// Barriers in a second in which nobody asks anything and this client listens.
async fn idle(durability: Durability, listens: &[&[&str]]) -> u64 {
    let conf = "notify-keyspace-events KEA";
    let mut group = Group::start_as(1, 1, durability, conf, Mutant::None).await;
    let mut client = group.client();
    blocking(|| {
        for words in listens {
            client.send(words);
            client.read();
        }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = barriers(&mut group).await;
    // It reads, as such clients do.
    let mut reader = client.stream.try_clone().unwrap();
    std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    barriers(&mut group).await - before
}

#[tokio::test]
async fn an_idle_group_with_a_listener_is_idle() {
    let broadcast: &[&[&str]] = &[&["HELLO", "3"], &["CLIENT", "TRACKING", "ON", "BCAST"]];
    for (durability, listens) in [
        (Durability::Quorum, &[&["MONITOR"][..]][..]),
        (Durability::Quorum, &[&["SSUBSCRIBE", "holdfast"]]),
        (Durability::Fsync, &[&["MONITOR"]]),
        (Durability::Fsync, &[&["PSUBSCRIBE", "*"]]),
        (Durability::Fsync, broadcast),
    ] {
        let count = idle(durability, listens).await;
        assert!(
            count < 60,
            "{durability} {listens:?}: {count} barriers in a second"
        );
    }
}

/// What a listener is told comes at once where somebody publishes, and soon where nobody asks anything.
#[tokio::test]
async fn a_listener_is_told_all_the_same() {
    let group = Group::start(1, 1).await;
    blocking(|| {
        let (mut told, mut monitor) = (group.client(), group.client());
        assert_eq!(monitor.text(&["MONITOR"]), "OK");
        assert_eq!(told.text(&["SUBSCRIBE", "news"]), "subscribe news 1");
        std::thread::sleep(Duration::from_millis(300));
        let mut publisher: Client = group.client();
        for number in 0..100 {
            let number = number.to_string();
            publisher.send(&["PUBLISH", "news", &number]);
            assert_eq!(text(&told.read()), format!("message news {number}"));
            assert_eq!(text(&publisher.read()), "1");
        }
    });
}
