//! Data files of real servers, looked at and put aside.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server_support;

use holdfast_agent::server::data::{DataState, inspect, set_aside};
use server_support::Node0;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

fn present(dir: &Path) -> u64 {
    match inspect(dir) {
        DataState::Present {
            bytes,
            newest_mtime,
        } => {
            assert!(newest_mtime <= SystemTime::now() + Duration::from_secs(1));
            bytes
        }
        other => panic!("{other:?}"),
    }
}

/// Runs a server with these lines, perhaps with a key in it, to its end.
async fn left_by(conf: &str, with_a_key: bool) -> Node0 {
    let mut node = Node0::start_with(conf).await;
    if with_a_key {
        node.reign().await;
        node.set("a", "1").await.unwrap();
    }
    node.server.stop(Duration::from_secs(5)).await;
    node.server.released().await;
    node
}

#[tokio::test]
async fn an_empty_server_leaves_an_empty_directory_and_a_key_is_seen() {
    for conf in ["", "appendonly no\nsave 3600 1"] {
        let empty = left_by(conf, false).await;
        assert_eq!(inspect(&empty.options.data_dir), DataState::Empty, "{conf}");
        let full = left_by(conf, true).await;
        assert!(present(&full.options.data_dir) > 20, "{conf}");
    }
}

#[tokio::test]
async fn a_key_written_just_before_a_crash_is_seen() {
    let mut node = Node0::start_with("appendfsync always").await;
    node.reign().await;
    node.set("a", "1").await.unwrap();
    node.server.kill();
    node.server.released().await;
    present(&node.options.data_dir);
}

#[tokio::test]
async fn what_is_put_aside_is_whole_and_the_next_start_is_empty() {
    let node = left_by("save 3600 1", true).await;
    let dir = node.options.data_dir.clone();
    assert!(dir.join("dump.rdb").exists() && dir.join("appendonlydir").exists());
    let aside = set_aside(&dir, "foreign lineage").unwrap();
    let place = aside.directory.unwrap();
    assert_eq!(inspect(&dir), DataState::Empty);
    present(&place);
    assert_eq!(
        std::fs::read_to_string(place.join("reason.txt")).unwrap(),
        "foreign lineage\n"
    );
    let (home, options) = (node.home, node.options);
    let mut node = Node0::start_in(home, options).await;
    assert_eq!(node.link.info().await.unwrap().keys, 0);
    node.server.stop(Duration::from_secs(5)).await;
    node.server.released().await;
    // Moved back, it is the data set again.
    set_aside(&dir, "make room").unwrap();
    for name in ["dump.rdb", "appendonlydir"] {
        std::fs::rename(place.join(name), dir.join(name)).unwrap();
    }
    let (home, options) = (node.home, node.options);
    let mut node = Node0::start_in(home, options).await;
    assert_eq!(node.get("a").await.as_deref(), Some("1"));
}

#[test]
fn riddles_are_never_taken_for_empty() {
    let home = TempDir::new().unwrap();
    let dir = home.path();
    assert_eq!(inspect(&dir.join("missing")), DataState::Empty);
    assert_eq!(inspect(dir), DataState::Empty);
    std::fs::write(dir.join("dump.rdb"), b"REDIS0010\xfa").unwrap();
    assert_eq!(present(dir), 10, "cut off");
    std::fs::write(dir.join("dump.rdb"), b"no snapshot").unwrap();
    present(dir);
    std::fs::remove_file(dir.join("dump.rdb")).unwrap();
    std::fs::write(dir.join("appendonly.aof"), b"*1\r\n$4\r\nPING\r\n").unwrap();
    present(dir);
    std::fs::remove_file(dir.join("appendonly.aof")).unwrap();
    std::fs::create_dir(dir.join("appendonlydir")).unwrap();
    assert_eq!(inspect(dir), DataState::Empty);
    std::fs::write(dir.join("appendonlydir/appendonly.aof.1.incr.aof"), b"x").unwrap();
    assert!(
        matches!(inspect(dir), DataState::Unreadable(why) if why.contains("belongs to no manifest"))
    );
    std::fs::write(
        dir.join("appendonlydir/appendonly.aof.manifest"),
        "file gone.aof seq 1 type b\n",
    )
    .unwrap();
    assert!(
        matches!(inspect(dir), DataState::Unreadable(why) if why.contains("gone.aof, which is missing"))
    );
    let file = dir.join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(inspect(&file), DataState::Unreadable(_)));
}

#[test]
fn putting_aside_is_all_or_nothing_and_warns_when_it_piles_up() {
    let home = TempDir::new().unwrap();
    let dir = home.path();
    assert_eq!(set_aside(dir, "nothing there").unwrap().directory, None);
    for round in 1..=4 {
        std::fs::write(dir.join("dump.rdb"), b"x").unwrap();
        let aside = set_aside(dir, "again").unwrap();
        assert_eq!(aside.kept.len(), round);
        assert_eq!(aside.warning.is_some(), round > 3);
    }
}
