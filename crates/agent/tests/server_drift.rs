//! Settings that somebody else changed on a running server, and what its own settings cost in memory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server_support;

use holdfast_agent::server::{Drift, Guard};
use server_support::{Node0, version};
use std::time::Instant;

async fn look(node: &mut Node0, guard: &mut Guard) -> Vec<Drift> {
    let rendered = node.server.configuration().rendered.clone();
    guard.look(&mut node.link, &rendered).await.unwrap()
}

async fn set(node: &mut Node0, key: &str, value: &str) {
    let set = ["CONFIG", "SET", key, value];
    node.link.command(&set).await.unwrap();
}

async fn get(node: &mut Node0, key: &str) -> String {
    node.link
        .settings(&[key])
        .await
        .unwrap()
        .remove(key)
        .unwrap()
}

#[tokio::test]
async fn a_server_that_nobody_touched_is_as_its_file_says() {
    let mut node = Node0::start_with("maxmemory 100mb\nmaxclients 77\n").await;
    let mut guard = Guard::default();
    assert_eq!(look(&mut node, &mut guard).await, []);
    node.reign().await;
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(look(&mut node, &mut guard).await, []);
    }
    println!("one look takes {:?}", began.elapsed() / 100);
}

#[tokio::test]
async fn what_was_changed_is_set_back_and_told_once() {
    let mut node = Node0::start().await;
    let mut guard = Guard::default();
    let mut changes = vec![
        ("replica-read-only", "no"),
        ("replica-priority", "0"),
        ("repl-timeout", "7"),
        ("masterauth", "other"),
        ("replica-announce-port", "1"),
        ("maxclients", "1"),
    ];
    if version().at_least(7, 0) {
        changes.push(("port", "0"));
    }
    let mut before = Vec::new();
    for (key, value) in &changes {
        before.push(get(&mut node, key).await);
        set(&mut node, key, value).await;
    }
    let told = look(&mut node, &mut guard).await;
    assert_eq!(told.len(), changes.len(), "{told:?}");
    assert!(told.iter().any(Drift::let_replicas_be_written));
    assert!(
        !told.iter().any(|drift| drift.to_string().contains("other")),
        "no secrets"
    );
    for ((key, _), before) in changes.iter().zip(&before) {
        assert_eq!(get(&mut node, key).await, *before, "{key}");
    }
    set(&mut node, "repl-timeout", "8").await;
    assert_eq!(look(&mut node, &mut guard).await, [], "told a moment ago");
    assert_eq!(get(&mut node, "repl-timeout").await, "60");
    set(&mut node, "replica-read-only", "no").await;
    assert_eq!(
        look(&mut node, &mut guard).await.len(),
        1,
        "never kept quiet"
    );
}

#[tokio::test]
async fn the_backlog_follows_maxmemory_and_a_person() {
    let mut node = Node0::start().await;
    let mut guard = Guard::default();
    assert_eq!(look(&mut node, &mut guard).await, []);
    set(&mut node, "maxmemory", "80mb").await;
    assert_eq!(look(&mut node, &mut guard).await.len(), 1);
    assert_eq!(
        get(&mut node, "repl-backlog-size").await,
        (10 << 20).to_string()
    );
    // One that fits is a person's to choose; one that does not is not.
    set(&mut node, "repl-backlog-size", "5mb").await;
    look(&mut node, &mut guard).await;
    assert_eq!(
        get(&mut node, "repl-backlog-size").await,
        (5 << 20).to_string()
    );
    set(&mut node, "repl-backlog-size", "50mb").await;
    look(&mut node, &mut guard).await;
    assert_eq!(
        get(&mut node, "repl-backlog-size").await,
        (10 << 20).to_string()
    );
    set(&mut node, "maxmemory", "800mb").await;
    look(&mut node, &mut guard).await;
    assert_eq!(
        get(&mut node, "repl-backlog-size").await,
        (100 << 20).to_string()
    );
}

/// 5 MB that are written again and again, 300 MB in all, in a server that may use 100 MB.
async fn overwrite(conf: &str) -> (Result<(), String>, String) {
    let mut node = Node0::start_with(conf).await;
    node.reign().await;
    let value = "x".repeat(100_000);
    let mut done = Ok(());
    for number in 0..3_000 {
        done = node.set(&format!("key:{}", number % 50), &value).await;
        if done.is_err() {
            break;
        }
    }
    let size = node.link.command(&["DBSIZE"]).await.unwrap();
    (done, format!("{size:?}"))
}

#[tokio::test]
async fn the_backlog_does_not_eat_a_small_maxmemory() {
    let (done, size) = overwrite("maxmemory 100mb\nmaxmemory-policy noeviction\n").await;
    assert!(done.is_ok() && size.contains("50"), "{done:?}, {size}");
    let (done, size) = overwrite("maxmemory 100mb\nmaxmemory-policy allkeys-lru\n").await;
    assert!(done.is_ok() && size.contains("50"), "{done:?}, {size}");
}

#[tokio::test]
async fn a_backlog_of_256_mib_would() {
    if !version().at_least(7, 0) {
        // It makes room for all of the backlog at once, and could not even be opened.
        return;
    }
    let conf = "maxmemory 100mb\nrepl-backlog-size 256mb\nmaxmemory-policy ";
    let (done, _) = overwrite(&format!("{conf}noeviction\n")).await;
    assert!(done.unwrap_err().contains("OOM"));
    let (_, size) = overwrite(&format!("{conf}allkeys-lru\n")).await;
    assert!(
        !size.contains("50"),
        "what is evicted is all that there was: {size}"
    );
}
