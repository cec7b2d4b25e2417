//! The recipes of docs/recovering.md, as they stand there.

use crate::group::{Up, eventually, primary, redis, small};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::{TempDir, tempdir};

const PAGE: &str = include_str!("../../../../docs/recovering.md");

/// The commands of a recipe.
fn recipe(name: &str) -> &'static str {
    let (_, rest) = PAGE
        .split_once(&format!("# recipe: {name}\n"))
        .expect("the recipe is on the page");
    rest.split("```").next().unwrap()
}

/// Follows a recipe for redis-0 of the group below `dir`.
fn follow(name: &str, dir: &Path) {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_holdfast"));
    let programs = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("bash")
        .args(["-c", recipe(name)])
        .env("PATH", programs)
        .env("GROUP", dir.join("group"))
        .env("DATA", data(dir, 0))
        .env("NODE", "redis-0")
        .env("DUMP", dir.join("backup.rdb"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {output:?}");
}

fn data(dir: &Path, node: usize) -> PathBuf {
    dir.join(format!("group/redis-{node}/data"))
}

fn address(up: &Up, node: usize) -> String {
    let manifest = up.manifest();
    manifest["nodes"][node]["address"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A group of two that has a key on both nodes, and was stopped.
fn stopped(dir: &TempDir) {
    let up = small(dir, &[]);
    up.settled();
    assert!(redis(&primary(&up), "SET kept here").starts_with("+OK"));
    eventually("both have it", || has(&up, 1) && has(&up, 0));
    up.stop();
}

fn has(up: &Up, node: usize) -> bool {
    redis(&address(up, node), "GET kept").contains("here")
}

/// The group is started, and what was kept is on both nodes.
fn comes_back(dir: &TempDir) -> Up {
    let up = Up::start(dir.path(), &[]);
    up.line_with("redis-0");
    eventually("a primary", || !primary(&up).is_empty());
    up.settled();
    eventually("both have it", || has(&up, 0) && has(&up, 1));
    assert!(redis(&primary(&up), "SET more too").starts_with("+OK"));
    up
}

fn trouble(up: &Up, text: &str) {
    eventually(text, || {
        up.status()["trouble"]
            .as_str()
            .is_some_and(|said| said.contains(text))
    });
}

fn in_log_folder(dir: &TempDir, node: usize, name: &str) -> PathBuf {
    data(dir.path(), node).join("appendonlydir").join(name)
}

#[test]
fn every_disk_was_lost() {
    let dir = tempdir().unwrap();
    stopped(&dir);
    (0..2).for_each(|node| fs::remove_dir_all(data(dir.path(), node)).unwrap());
    let up = Up::start(dir.path(), &[]);
    trouble(&up, "without data");
    follow("everything-empty", dir.path());
    eventually("writes", || {
        redis(&primary(&up), "SET new one").starts_with("+OK")
    });
}

#[test]
fn a_dump_is_restored() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    let old = primary(&up);
    assert!(redis(&old, "SET kept here").starts_with("+OK"));
    assert!(redis(&old, "SAVE").starts_with("+OK"));
    assert!(redis(&old, "DEL kept").starts_with(":1"));
    let node = usize::from(old != address(&up, 0));
    fs::copy(
        data(dir.path(), node).join("dump.rdb"),
        dir.path().join("backup.rdb"),
    )
    .unwrap();
    up.stop();
    follow("restore-dump", dir.path());
    let up = Up::start(dir.path(), &[]);
    trouble(&up, "none of them has the data that were noted");
    follow("restored-dump-counts", dir.path());
    eventually("a primary", || !primary(&up).is_empty());
    up.settled();
    eventually("both have it", || has(&up, 0) && has(&up, 1));
}

#[test]
fn a_node_that_cannot_read_its_files_copies_again() {
    let dir = tempdir().unwrap();
    stopped(&dir);
    for entry in fs::read_dir(data(dir.path(), 0).join("appendonlydir")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".base.rdb") {
            fs::write(&path, b"REDIS0099 is a version that no server knows").unwrap();
        }
    }
    follow("copy-again", dir.path());
    comes_back(&dir);
}

#[test]
fn the_end_of_every_append_only_file_is_bad() {
    let dir = tempdir().unwrap();
    stopped(&dir);
    // Nobody else has the data.
    fs::remove_dir_all(data(dir.path(), 1)).unwrap();
    let folder = data(dir.path(), 0).join("appendonlydir");
    let last = fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let last = last
        .filter(|path| path.to_string_lossy().ends_with(".incr.aof"))
        .max()
        .unwrap();
    let mut bytes = fs::read(&last).unwrap();
    bytes.extend_from_slice(b"*3\r\n$3\r\nSET\r\n$x\r\nno command\r\n");
    fs::write(&last, bytes).unwrap();
    follow("bad-aof-tail", dir.path());
    comes_back(&dir);
}

#[test]
fn doctor_waits_for_no_agent_that_must_not_start_its_server() {
    let dir = tempdir().unwrap();
    stopped(&dir);
    fs::remove_file(in_log_folder(&dir, 1, "appendonly.aof.manifest")).unwrap();
    let up = Up::start(dir.path(), &[]);
    up.line_with("redis-0");
    eventually("it is refused", || {
        up.status()["nodes"][1]["refused"] == true
    });
    let said = String::from_utf8(up.doctor().stdout).unwrap();
    assert!(
        said.contains("[node-refused]") && said.contains("docs/recovering.md"),
        "{said}"
    );
    assert!(!said.contains("[node-down]"), "{said}");
}

#[test]
fn the_manifest_of_the_only_data_is_lost() {
    let dir = tempdir().unwrap();
    stopped(&dir);
    fs::remove_dir_all(data(dir.path(), 1)).unwrap();
    fs::remove_file(in_log_folder(&dir, 0, "appendonly.aof.manifest")).unwrap();
    follow("lost-manifest", dir.path());
    comes_back(&dir);
}

#[test]
fn all_registers_are_lost() {
    let dir = tempdir().unwrap();
    stopped(&dir);
    for sentinel in 0..3 {
        let register = dir
            .path()
            .join(format!("group/sentinel-{sentinel}/register"));
        fs::remove_file(register).unwrap();
    }
    let up = Up::start(dir.path(), &[]);
    trouble(&up, "has served a primary of this group before");
    follow("registers-lost", dir.path());
    eventually("writes", || {
        redis(&primary(&up), "SET more too").starts_with("+OK")
    });
    up.settled();
    assert!(has(&up, 0) && has(&up, 1));
}

#[test]
fn registers_were_put_back() {
    let dir = tempdir().unwrap();
    stopped(&dir);
    let register = |sentinel: usize, name: &str| {
        let folder = dir.path().join(format!("group/sentinel-{sentinel}"));
        folder.join(name)
    };
    for sentinel in 0..3 {
        fs::copy(register(sentinel, "register"), register(sentinel, "older")).unwrap();
    }
    comes_back(&dir).stop();
    for sentinel in 0..3 {
        fs::rename(register(sentinel, "older"), register(sentinel, "register")).unwrap();
    }
    let up = Up::start(dir.path(), &[]);
    trouble(&up, "put back to an older state");
    follow("registers-put-back", dir.path());
    eventually("writes", || {
        redis(&primary(&up), "SET more too").starts_with("+OK")
    });
    up.settled();
    assert!(has(&up, 0) && has(&up, 1));
}
