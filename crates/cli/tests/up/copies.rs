//! Full copies that break off, and nodes that cannot save and give copies all the same.

use crate::common::holdfast;
use crate::doubted::{KEYS, address, data, full, keys};
use crate::group::{Up, eventually, primary, redis, signal};
use std::fs;
use tempfile::tempdir;

fn ruler(up: &Up) -> usize {
    usize::from(primary(up) != address(up, 0))
}

/// Ends the child that makes a copy, if there is one.
fn end_copy(server: i32) {
    let path = format!("/proc/{server}/task/{server}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    for child in children.split_whitespace().flat_map(str::parse) {
        signal("-KILL", child);
    }
}

/// The bytes of a streamed copy that have come, by the replica's word.
fn received(address: &str) -> u64 {
    let info = redis_all(address, "INFO replication");
    let read = info
        .lines()
        .find_map(|line| line.strip_prefix("master_sync_read_bytes:"));
    read.and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0)
}

/// All of an answer that is longer than most.
fn redis_all(address: &str, command: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut all = String::new();
    if let Ok(mut stream) = std::net::TcpStream::connect(address) {
        let _ = stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes());
        let _ = stream.read_to_string(&mut all);
    }
    all
}

/// It keeps its data, shows them to readers, and copies again.
#[test]
fn a_streamed_copy_that_breaks_off_leaves_a_replica_its_data() {
    let dir = tempdir().unwrap();
    let up = full(&dir);
    let (first, replica) = (ruler(&up), 1 - ruler(&up));
    let (from, to) = (address(&up, first), address(&up, replica));
    // Large enough to be on its way for two seconds, and not in one piece.
    for number in 0..KEYS {
        let fill = format!("SETRANGE key:{number} 4000 x");
        assert_eq!(redis(&from, &fill), ":4001\r\n");
    }
    let copies = |key: &str, value: &str| {
        let answer = redis(&from, &format!("CONFIG SET {key} {value}"));
        assert!(answer.starts_with("+OK"), "{key}: {answer}");
    };
    copies("repl-diskless-sync", "yes");
    copies("rdbcompression", "no");
    copies("rdb-key-save-delay", "2000");
    // Without its replication id it needs a full copy.
    signal("-KILL", up.server_pid(replica));
    for _ in 0..2 {
        eventually("half a copy", || received(&to) > 1 << 20);
        end_copy(up.server_pid(first));
        eventually("it has broken off", || received(&to) < 1 << 20);
        eventually("it is told, and why", || {
            let status = up.status();
            let note = status["nodes"][replica]["reason"].as_str();
            note.is_some_and(|note| note.contains("I/O error trying to sync"))
        });
        assert_eq!(keys(&up, replica), KEYS, "it keeps its data");
        assert!(redis(&to, "GET key:1").contains("value"), "and shows them");
    }
    assert_eq!(primary(&up), from, "it goes on");
    assert!(redis(&from, "SET one more").starts_with("+OK"));
    copies("rdb-key-save-delay", "0");
    up.settled();
    eventually("all of it", || keys(&up, replica) == KEYS + 1);
    assert_eq!(primary(&up), from);
}

/// `rename` of a snapshot over `dump.rdb` fails, as it does where that is a mount point: here it is a folder.
#[test]
fn a_promoted_node_that_cannot_save_serves_and_gives_copies() {
    let dir = tempdir().unwrap();
    let up = full(&dir);
    let (old, new) = (ruler(&up), 1 - ruler(&up));
    let snapshot = data(&dir, new).join("dump.rdb");
    let _ = fs::remove_file(&snapshot);
    fs::create_dir_all(snapshot.join("in-the-way")).unwrap();
    let args = ["failover", "--dir", "group"];
    assert!(holdfast(dir.path()).args(args).status().unwrap().success());
    up.settled();
    let at = address(&up, new);
    assert_eq!(primary(&up), at);
    // No other node can take over from it.
    signal("-STOP", up.server_pid(old));
    assert!(redis(&at, "BGSAVE").starts_with("+Background saving started"));
    eventually("no snapshot", || {
        redis_all(&at, "INFO persistence").contains("rdb_last_bgsave_status:err")
    });
    let answer = redis(&at, "SET only here");
    assert!(answer.starts_with("+OK"), "{answer}");
    // Without its replication id it needs a full copy.
    signal("-KILL", up.server_pid(old));
    eventually("the other one has it all", || {
        keys(&up, old) == KEYS + 1 && redis(&address(&up, old), "GET only").contains("here")
    });
    eventually("one that can save takes over", || {
        primary(&up) == address(&up, old)
    });
    eventually("writes", || {
        redis(&address(&up, old), "SET and more").starts_with("+OK")
    });
}
