//! Bad input gets one clear line (what, where, what to do) and an exit code; nothing is half-done, no data touched.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{holdfast, said};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

/// Runs it in an empty folder and expects exit code and one line that holds all of `words`.
fn refused(dir: &Path, args: &[&str], code: i32, words: &[&str]) {
    let output = within_patience(holdfast(dir).args(args));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{args:?}: `{word}` is not in: {said}");
    }
}

/// What is not refused may run for ever: that is a failure, too.
fn within_patience(command: &mut Command) -> Output {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Does nothing to one that has ended.
    let _ = child.kill();
    child.wait_with_output().unwrap()
}

fn nothing_made(dir: &TempDir) {
    let left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn up_refused(args: &[&str], code: i32, words: &[&str]) {
    let dir = tempdir().unwrap();
    let args: Vec<&str> = ["up", "--headless", "--dir", "group"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    refused(dir.path(), &args, code, words);
    nothing_made(&dir);
}

#[test]
fn a_missing_redis_server() {
    up_refused(
        &["--server", "/nowhere/redis-server"],
        2,
        &["/nowhere/redis-server", "install", "--server PATH"],
    );
    up_refused(
        &["--server", "no-such-redis"],
        2,
        &["no-such-redis", "install"],
    );
}

#[test]
fn a_redis_server_that_is_too_old_or_none_at_all() {
    for (says, words) in [
        ("Redis server v=5.0.14 sha=0", ["5.0.14", "6.2"]),
        ("cat 9.1", ["cat 9.1", "--server PATH"]),
    ] {
        let tools = tempdir().unwrap();
        let fake = tools.path().join("redis-server");
        fs::write(&fake, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
        up_refused(&["--server", fake.to_str().unwrap()], 2, &words);
    }
}

#[test]
fn numbers_that_make_no_sense() {
    up_refused(&["--sentinels", "2"], 2, &["--sentinels 2", "use 1 or 3"]);
    up_refused(&["--sentinels", "4"], 2, &["--sentinels 4", "use 3 or 5"]);
    up_refused(&["--sentinels", "0"], 2, &["--sentinels 0", "use 3"]);
    up_refused(
        &["--replicas", "5000"],
        2,
        &["--replicas 5000", "at most 64"],
    );
}

#[test]
fn what_is_not_built_yet() {
    up_refused(
        &["--durability", "fsync"],
        2,
        &["fsync is not built yet", "use async or quorum"],
    );
}

#[test]
fn a_group_name_that_no_client_could_use() {
    up_refused(&["--group", "my master"], 2, &["my master", "letters"]);
}

#[test]
fn options_that_are_unknown_or_contradict_each_other() {
    let dir = tempdir().unwrap();
    for args in [
        &["up", "--replica", "3"][..],
        &["up", "--base-port", "0"],
        &["up", "--base-port", "70000"],
        &["up", "--durability", "maybe"],
        &["sim", "--seed", "1", "--mutants"],
        &["sim", "--mutant", "no-such-bug"],
        &["status", "--sentinel", "nowhere"],
        &["frobnicate"],
        &[],
    ] {
        let output = holdfast(dir.path()).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    nothing_made(&dir);
}

#[test]
fn a_redis_conf_line_that_holdfast_owns() {
    let files = tempdir().unwrap();
    let conf = files.path().join("my.conf");
    fs::write(&conf, "maxmemory-policy allkeys-lru\nport 7000\n").unwrap();
    up_refused(
        &["--redis-conf", conf.to_str().unwrap()],
        2,
        &["my.conf:2", "`port`", "remove the line"],
    );
    up_refused(
        &["--redis-conf", "/nowhere/my.conf"],
        2,
        &["/nowhere/my.conf", "No such file"],
    );
}

#[test]
fn a_password_file_that_holds_none() {
    let files = tempdir().unwrap();
    let file = files.path().join("password");
    fs::write(&file, "\n").unwrap();
    up_refused(
        &["--password-file", file.to_str().unwrap()],
        2,
        &["holds no password"],
    );
    up_refused(
        &["--password-file", "/nowhere/password"],
        2,
        &["/nowhere/password"],
    );
}

#[test]
fn a_folder_that_is_somebody_elses() {
    let dir = tempdir().unwrap();
    let group = dir.path().join("group");
    fs::create_dir(&group).unwrap();
    fs::write(group.join("thesis.txt"), "years of work").unwrap();
    refused(
        dir.path(),
        &["up", "--headless", "--dir", "group"],
        2,
        &["thesis.txt", "choose an empty or new --dir"],
    );
    assert_eq!(fs::read_dir(&group).unwrap().count(), 1);
    assert_eq!(
        fs::read_to_string(group.join("thesis.txt")).unwrap(),
        "years of work"
    );
}

#[test]
fn a_damaged_plan() {
    let dir = tempdir().unwrap();
    let group = dir.path().join("group");
    fs::create_dir_all(group.join("redis-0/data")).unwrap();
    fs::write(group.join("redis-0/data/dump.rdb"), "precious").unwrap();
    fs::write(group.join("plan.json"), "{\"version\": 1, \"clus").unwrap();
    refused(
        dir.path(),
        &["up", "--headless", "--dir", "group"],
        2,
        &["plan.json is damaged", "nothing was touched"],
    );
    assert_eq!(
        fs::read_to_string(group.join("redis-0/data/dump.rdb")).unwrap(),
        "precious"
    );
    assert_eq!(
        fs::read_to_string(group.join("plan.json")).unwrap(),
        "{\"version\": 1, \"clus"
    );
    assert_eq!(fs::read_dir(&group).unwrap().count(), 2);
}

#[test]
fn a_folder_that_cannot_be_made() {
    let dir = tempdir().unwrap();
    refused(
        dir.path(),
        &["up", "--headless", "--dir", "/proc/holdfast"],
        1,
        &["/proc/holdfast", "cannot make the folder"],
    );
    fs::write(dir.path().join("file"), "").unwrap();
    refused(
        dir.path(),
        &["up", "--headless", "--dir", "file"],
        2,
        &["file", "is not a folder"],
    );
}

/// A file system of its own that is unmounted at the end.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=8k", "tmpfs"])
            .arg(dir.path());
        mount
            .output()
            .is_ok_and(|output| output.status.success())
            .then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: mounting a small disk needs root");
        return;
    };
    fs::write(disk.0.path().join("filler"), vec![0; 4096]).unwrap();
    refused(
        disk.0.path(),
        &["up", "--headless", "--dir", "group"],
        1,
        &["No space left on device", "cannot write"],
    );
    assert!(!disk.0.path().join("group").exists());
}

#[test]
fn a_configuration_that_cannot_be_read() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("agent.yaml");
    fs::write(&file, "name: redis-0\nprioritty: 3\n").unwrap();
    let output = holdfast(dir.path())
        .args(["agent", "--config", "agent.yaml"])
        .output()
        .unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text.contains("agent.yaml") && text.contains("prioritty") && text.contains("line 2"),
        "{text}"
    );
    fs::write(&file, "name: redis-0\n").unwrap();
    refused(
        dir.path(),
        &["agent", "--config", "agent.yaml"],
        2,
        &["group is not set", "--group", "HOLDFAST_GROUP"],
    );
    refused(
        dir.path(),
        &["sentinel", "--config", "gone.yaml"],
        2,
        &["gone.yaml", "No such file"],
    );
}

#[test]
fn a_log_level_that_there_is_not() {
    let dir = tempdir().unwrap();
    let output = holdfast(dir.path())
        .env("HOLDFAST_LOG", "x=y=z")
        .arg("status")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("HOLDFAST_LOG"));
}

#[test]
fn nobody_who_answers() {
    let dir = tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    refused(
        dir.path(),
        &["status", "--sentinel", &port],
        4,
        &[&port, "is the group running?"],
    );
    refused(dir.path(), &["failover", "--sentinel", &port], 4, &[&port]);
    let output = holdfast(dir.path())
        .args(["doctor", "--sentinel", &port])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stdout).contains("sentinel-unreachable"));
}

#[test]
fn a_cluster_json_that_is_none() {
    let dir = tempdir().unwrap();
    fs::create_dir(dir.path().join("holdfast-data")).unwrap();
    fs::write(dir.path().join("holdfast-data/cluster.json"), "[]").unwrap();
    refused(dir.path(), &["status"], 2, &["cluster.json"]);
}

#[test]
fn forcing_needs_a_persons_word() {
    let dir = tempdir().unwrap();
    refused(
        dir.path(),
        &["force", "redis-1"],
        2,
        &["redis-1", "--accept-loss"],
    );
}
