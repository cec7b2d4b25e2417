//! Data that are not those for which a position was noted: cut, ignored or emptied.

use crate::common::holdfast;
use crate::group::{Up, eventually, primary, redis, signal, small};
use crate::versions::server;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

pub(crate) const KEYS: u64 = 1000;

pub(crate) fn node(status: &serde_json::Value, number: usize) -> &serde_json::Value {
    &status["nodes"][number]
}

pub(crate) fn address(up: &Up, number: usize) -> String {
    let manifest = up.manifest();
    manifest["nodes"][number]["address"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub(crate) fn data(dir: &TempDir, number: usize) -> PathBuf {
    dir.path().join(format!("group/redis-{number}/data"))
}

/// Writes the keys, and reads all answers.
fn fill(address: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    let sets: Vec<String> = (0..KEYS)
        .map(|n| format!("SET key:{n} value\r\n"))
        .collect();
    stream.write_all(sets.concat().as_bytes()).unwrap();
    let mut answers = vec![0; 5 * KEYS as usize];
    stream.read_exact(&mut answers).unwrap();
    assert_eq!(answers, b"+OK\r\n".repeat(KEYS as usize));
}

/// A group of two with these keys, which have been noted on both.
pub(crate) fn full(dir: &TempDir) -> Up {
    full_with(dir, &[])
}

pub(crate) fn full_with(dir: &TempDir, more: &[&str]) -> Up {
    let up = small(dir, more);
    up.settled();
    fill(&primary(&up));
    eventually("the keys are noted", || {
        let status = up.status();
        [0, 1].map(|n| node(&status, n)["noted_keys"] == KEYS) == [true; 2]
    });
    up
}

/// The increment of the append-only file, and what it holds.
fn increment(data: &Path) -> (PathBuf, Vec<u8>) {
    let entries = fs::read_dir(data.join("appendonlydir")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let path = paths
        .filter(|path| path.to_string_lossy().ends_with(".incr.aof"))
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap();
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

fn cut(data: &Path) {
    let (path, bytes) = increment(data);
    fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
}

pub(crate) fn keys(up: &Up, number: usize) -> u64 {
    node(&up.status(), number)["keys"].as_u64().unwrap_or(0)
}

pub(crate) fn said(up: &Up) -> String {
    String::from_utf8_lossy(&up.doctor().stdout).into_owned()
}

#[test]
fn a_cut_file_wins_no_election_and_is_set_aside() {
    let dir = tempdir().unwrap();
    let up = full(&dir);
    let first = primary(&up);
    let old = usize::from(node(&up.status(), 0)["address"] != first.as_str());
    up.stop();
    cut(&data(&dir, old));
    let up = Up::ready(dir.path(), &[]);
    eventually("the other one rules", || {
        let now = primary(&up);
        !now.is_empty() && now != first
    });
    eventually("both have all keys", || {
        [keys(&up, 0), keys(&up, 1)] == [KEYS; 2]
    });
    let kept = fs::read_dir(data(&dir, old)).unwrap();
    let aside = kept.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("set-aside-")
    });
    assert_eq!(aside.count(), 1, "what was cut is kept");
}

#[test]
fn where_all_files_were_cut_a_person_decides_and_is_told_what_each_keeps() {
    let dir = tempdir().unwrap();
    let up = full(&dir);
    up.stop();
    for number in [0, 1] {
        cut(&data(&dir, number));
    }
    let up = Up::start(dir.path(), &[]);
    eventually("both are in doubt", || {
        let status = up.status();
        [0, 1].map(|n| node(&status, n)["state"] == "doubted") == [true; 2]
    });
    eventually("it is told", || {
        let status = up.status();
        let trouble = status["trouble"].as_str().unwrap_or_default().to_owned();
        trouble.contains("none of them has the data that were noted")
            && trouble.contains("keys in memory, 1000 noted")
    });
    assert_eq!(primary(&up), "", "nobody rules by itself");
    assert!(said(&up).contains("1000 were noted"), "{}", said(&up));
    let forced = holdfast(dir.path())
        .args(["force", "redis-1", "--accept-loss", "--dir", "group"])
        .output()
        .unwrap();
    let answer = String::from_utf8_lossy(&forced.stdout).into_owned();
    assert!(answer.contains("keys in memory, 1000 noted"), "{answer}");
    eventually("redis-1 rules", || {
        primary(&up) == node(&up.status(), 1)["address"].as_str().unwrap_or("?")
    });
}

#[test]
fn files_without_a_manifest_are_not_overwritten_and_are_read_once_it_is_back() {
    let dir = tempdir().unwrap();
    let up = full(&dir);
    up.stop();
    let manifests = [0, 1].map(|number| {
        let path = data(&dir, number).join("appendonlydir/appendonly.aof.manifest");
        let text = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        (path, text)
    });
    let before = increment(&data(&dir, 0));
    let up = Up::start(dir.path(), &[]);
    eventually("it is told", || {
        let told = said(&up);
        told.contains("appendonlydir has no manifest") && told.contains("incr.aof (")
    });
    assert_eq!(increment(&data(&dir, 0)), before, "nothing was written");
    for (path, text) in manifests {
        fs::write(path, text).unwrap();
    }
    eventually("both have all keys", || {
        [keys(&up, 0), keys(&up, 1)] == [KEYS; 2]
    });
    up.settled();
}

#[test]
fn a_snapshot_beside_an_empty_folder_is_not_overwritten() {
    let dir = tempdir().unwrap();
    let up = full(&dir);
    for number in [0, 1] {
        let address = node(&up.status(), number)["address"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(redis(&address, "SAVE").starts_with("+OK"));
    }
    up.stop();
    let snapshot = data(&dir, 0).join("dump.rdb");
    for number in [0, 1] {
        let log = data(&dir, number).join("appendonlydir");
        fs::remove_dir_all(&log).unwrap();
        fs::create_dir(&log).unwrap();
    }
    let before = fs::read(&snapshot).unwrap();
    let up = Up::start(dir.path(), &[]);
    eventually("it is told", || {
        said(&up).contains("redis-server would start without data and ignore dump.rdb (")
    });
    assert_eq!(fs::read(&snapshot).unwrap(), before);
    // A person decides for the snapshot, of which this node's agent knows that there was more.
    fs::remove_dir(data(&dir, 0).join("appendonlydir")).unwrap();
    eventually("redis-0 has read it", || keys(&up, 0) == KEYS);
    assert_eq!(fs::read(&snapshot).unwrap(), before);
}

/// `rename` of the copy over `dump.rdb` fails, as it does where that is a mount point: here it is a folder.
#[test]
fn a_replica_that_a_failed_copy_emptied_reads_its_own_files() {
    let dir = tempdir().unwrap();
    let up = full(&dir);
    let replica = usize::from(node(&up.status(), 0)["address"] == primary(&up).as_str());
    let snapshot = data(&dir, replica).join("dump.rdb");
    let _ = fs::remove_file(&snapshot);
    fs::create_dir_all(snapshot.join("in-the-way")).unwrap();
    // Without its replication id it needs a full copy.
    signal("-KILL", up.server_pid(replica));
    eventually("copies fail, and it reads its files", || {
        let status = up.status();
        let reason = node(&status, replica)["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        reason.contains("copies") && keys(&up, replica) == KEYS
    });
    fs::remove_dir_all(&snapshot).unwrap();
    up.settled();
    assert_eq!(keys(&up, replica), KEYS);
}

/// Both nodes are in doubt after this was done to their files: no reader is shown what nobody vouches for, until a person
/// has decided and the other one is in step.
fn no_reader_is_answered(release: &str, harm: &dyn Fn(&Path)) {
    let Some(server) = server(release) else {
        return;
    };
    let (dir, more) = (tempdir().unwrap(), ["--server", &server]);
    let up = full_with(&dir, &more);
    for number in [0, 1] {
        assert!(redis(&address(&up, number), "SAVE").starts_with("+OK"));
        let folder = data(&dir, number);
        fs::copy(folder.join("dump.rdb"), folder.join("older.rdb")).unwrap();
    }
    assert!(redis(&primary(&up), "SET one more").starts_with("+OK"));
    eventually("it is noted", || {
        let status = up.status();
        [0, 1].map(|n| node(&status, n)["noted_keys"] == KEYS + 1) == [true; 2]
    });
    up.stop();
    for number in [0, 1] {
        harm(&data(&dir, number));
    }
    let up = Up::start(dir.path(), &more);
    eventually("both are in doubt", || {
        let status = up.status();
        [0, 1].map(|n| node(&status, n)["state"] == "doubted") == [true; 2]
    });
    for (number, command) in [(0, "GET key:1"), (1, "GET key:1"), (0, "DBSIZE")] {
        let answer = redis(&address(&up, number), command);
        assert!(answer.starts_with("-MASTERDOWN"), "{release}: {answer}");
    }
    let args = ["force", "redis-1", "--accept-loss", "--dir", "group"];
    assert!(holdfast(dir.path()).args(args).status().unwrap().success());
    up.settled();
    for number in [0, 1] {
        eventually("a reader is answered", || {
            redis(&address(&up, number), "GET key:1").contains("value")
        });
    }
}

/// An older snapshot takes the place of everything.
fn put_back(data: &Path) {
    fs::remove_dir_all(data.join("appendonlydir")).unwrap();
    fs::rename(data.join("older.rdb"), data.join("dump.rdb")).unwrap();
}

#[test]
fn cut_files_are_shown_to_no_reader_of_redis() {
    no_reader_is_answered("redis-7.0", &cut);
}

#[test]
fn cut_files_are_shown_to_no_reader_of_valkey() {
    no_reader_is_answered("valkey-8.0", &cut);
}

#[test]
fn an_older_snapshot_is_shown_to_no_reader_of_redis() {
    no_reader_is_answered("redis-7.0", &put_back);
}

#[test]
fn an_older_snapshot_is_shown_to_no_reader_of_valkey() {
    no_reader_is_answered("valkey-8.0", &put_back);
}
