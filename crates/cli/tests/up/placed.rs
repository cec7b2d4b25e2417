//! A `dump.rdb` that somebody placed in a node's folder while the node was stopped.

use crate::doubted::{KEYS, data, full, full_with, keys, said};
use crate::group::{Up, eventually, own_base_port, primary, redis};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::{TempDir, tempdir};

/// A snapshot of a server that knows nothing of any group, with one key.
fn foreign(dir: &Path) -> PathBuf {
    let port = own_base_port();
    let mut server = Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
        ])
        .arg(dir)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let at = format!("127.0.0.1:{port}");
    eventually("a key", || redis(&at, "SET placed here").starts_with("+OK"));
    let saved = redis(&at, "SAVE");
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(saved.starts_with("+OK"));
    dir.join("dump.rdb")
}

/// The snapshot and all append-only files of a node.
fn files(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let folders = [data.to_owned(), data.join("appendonlydir")];
    let entries = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap().flatten());
    let paths = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file());
    paths
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect()
}

/// Every node of a group that was stopped got another snapshot beside its append-only files.
fn placed(dir: &TempDir) -> [BTreeMap<PathBuf, Vec<u8>>; 2] {
    let other = tempdir().unwrap();
    let dump = foreign(other.path());
    full(dir).stop();
    // Times of files count in seconds.
    std::thread::sleep(Duration::from_millis(1_100));
    [0, 1].map(|number| {
        let data = data(dir, number);
        fs::write(data.join("dump.rdb"), fs::read(&dump).unwrap()).unwrap();
        files(&data)
    })
}

/// A group that starts nobody on these files, touches none of them, and says what there is to decide.
fn refuses(dir: &TempDir, before: &[BTreeMap<PathBuf, Vec<u8>>; 2]) -> Up {
    let up = Up::start(dir.path(), &[]);
    eventually("it is told", || {
        let told = said(&up);
        told.contains("and ignore dump.rdb") && told.contains("which is newer and holds other data")
    });
    for number in [0, 1] {
        assert!(
            files(&data(dir, number)) == before[number],
            "nothing was written"
        );
    }
    assert_eq!(primary(&up), "");
    up
}

#[test]
fn a_placed_snapshot_is_not_passed_over_and_goes_away_by_hand() {
    let dir = tempdir().unwrap();
    let before = placed(&dir);
    let up = refuses(&dir, &before);
    for number in [0, 1] {
        fs::remove_file(data(&dir, number).join("dump.rdb")).unwrap();
    }
    eventually("both have all keys", || {
        [keys(&up, 0), keys(&up, 1)] == [KEYS; 2]
    });
    up.settled();
}

#[test]
fn a_placed_snapshot_is_read_where_the_append_only_files_are_moved_away() {
    let dir = tempdir().unwrap();
    let before = placed(&dir);
    let up = refuses(&dir, &before);
    let log = data(&dir, 0).join("appendonlydir");
    fs::rename(&log, dir.path().join("moved-away")).unwrap();
    eventually("redis-0 has read it", || keys(&up, 0) == 1);
    assert_eq!(primary(&up), "", "a person decides");
    // The other one goes on from its append-only files, which are what was noted.
    fs::remove_file(data(&dir, 1).join("dump.rdb")).unwrap();
    eventually("both have what was noted", || {
        [keys(&up, 0), keys(&up, 1)] == [KEYS; 2]
    });
    up.settled();
    let aside = fs::read_dir(data(&dir, 0)).unwrap().flatten();
    let aside = aside
        .map(|entry| entry.path().join("dump.rdb"))
        .filter(|path| path.is_file());
    let kept = aside.map(|path| fs::read(path).unwrap());
    let placed = &before[0][&data(&dir, 0).join("dump.rdb")];
    assert!(
        kept.into_iter().any(|bytes| bytes == *placed),
        "what was placed is kept"
    );
}

/// As where a container mounts that file, and the volume is new.
#[test]
fn an_empty_file_of_that_name_is_no_snapshot() {
    let dir = tempdir().unwrap();
    full(&dir).stop();
    let data = data(&dir, 1);
    fs::remove_dir_all(data.join("appendonlydir")).unwrap();
    fs::write(data.join("dump.rdb"), "").unwrap();
    let up = Up::start(dir.path(), &[]);
    eventually("it has a copy", || {
        [keys(&up, 0), keys(&up, 1)] == [KEYS; 2]
    });
    up.settled();
}

#[test]
fn an_empty_snapshot_that_would_be_read_is_told_of_and_not_started_on() {
    let dir = tempdir().unwrap();
    let conf = dir.path().join("redis.conf");
    fs::write(&conf, "appendonly no\n").unwrap();
    let conf = conf.to_str().unwrap().to_owned();
    let more = ["--redis-conf", conf.as_str()];
    full_with(&dir, &more).stop();
    let dump = data(&dir, 1).join("dump.rdb");
    fs::write(&dump, "").unwrap();
    let up = Up::start(dir.path(), &more);
    eventually("it is told", || said(&up).contains("dump.rdb is empty"));
    fs::remove_file(&dump).unwrap();
    eventually("it has a copy", || keys(&up, 1) == KEYS);
    up.settled();
}
