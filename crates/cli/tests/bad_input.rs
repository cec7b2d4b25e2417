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
fn drills_and_measurements_without_a_server() {
    for command in ["crucible", "bench"] {
        let dir = tempdir().unwrap();
        let args = [command, "--server", "no-such-redis"];
        refused(dir.path(), &args, 2, &["no-such-redis", "install"]);
        nothing_made(&dir);
    }
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
        &["up", "--sync-replicas", "1"],
        &["up", "--durability", "async", "--degrade"],
        &["sim", "--mutant", "no-such-bug"],
        &["crucible", "--rounds", "0"],
        &["bench", "--rounds", "none"],
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
        &["/nowhere/my.conf", "No such file", "leave it out"],
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
    refused(
        dir.path(),
        &["failover", "--sentinel", &port],
        4,
        &[&port, "is the group running?"],
    );
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

/// Files of a role's own, with ports that nobody else has.
struct Role {
    dir: TempDir,
    port: u16,
}

impl Role {
    fn new() -> Self {
        let dir = tempdir().unwrap();
        fs::write(dir.path().join("secret"), "a secret of sixteen bytes").unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        Self { dir, port }
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    /// A sentinel alone, and these words.
    fn sentinel(&self, clients: u16, control: u16) {
        let at = |port: u16| format!("127.0.0.1:{port}");
        let text = format!(
            "name: s\ncluster: c\nsecret_file: secret\ndir: home\nlisten: {clients}\ncontrol: {control}\n\
             sentinels: [{{name: s, control: \"{control}\", clients: \"{clients}\"}}]\ngroups: [{{name: g, nodes: 1}}]\n",
            clients = at(clients),
            control = at(control),
        );
        self.file("role.yaml", &text);
    }

    fn agent(&self, more: &str) {
        let text = format!(
            "name: n\ngroup: g\ncluster: c\nsecret_file: secret\ndir: home\ndata_dir: data\nlisten: 127.0.0.1:{}\n\
             sentinels: [\"127.0.0.1:1\"]\n{more}",
            self.port,
        );
        self.file("role.yaml", &text);
    }

    fn refused(&self, role: &str, code: i32, words: &[&str]) {
        refused(
            self.dir.path(),
            &[role, "--config", "role.yaml"],
            code,
            words,
        );
    }
}

#[test]
fn a_sentinel_whose_ports_are_taken() {
    let role = Role::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken
        .local_addr()
        .map(|at| at.port())
        .map(|port| (taken, port));
    let (_held, port) = taken.unwrap();
    let words = [&format!("127.0.0.1:{port}"), "choose another port"];
    role.sentinel(port, role.port);
    role.refused("sentinel", 1, &words);
    role.sentinel(role.port, port);
    role.refused("sentinel", 1, &words);
}

#[test]
fn more_replicas_to_wait_for_than_there_are() {
    let quorum = |replicas, k| {
        [
            "--durability",
            "quorum",
            "--replicas",
            replicas,
            "--sync-replicas",
            k,
        ]
    };
    up_refused(&quorum("2", "3"), 2, &["--sync-replicas 3", "1 to 2"]);
    up_refused(&quorum("2", "0"), 2, &["--sync-replicas 0", "1 to 2"]);
    up_refused(&quorum("0", "1"), 2, &["there are none", "use async"]);
}

#[test]
fn files_that_cannot_be_read() {
    let dir = tempdir().unwrap();
    // Root may read everything else.
    fs::create_dir_all(dir.path().join("group/plan.json")).unwrap();
    refused(
        dir.path(),
        &["up", "--headless", "--dir", "group"],
        2,
        &["group/plan.json", "choose another --dir"],
    );
    for role in ["sentinel", "agent"] {
        let words = ["nowhere.yaml", "name a file that can be read"];
        refused(dir.path(), &[role, "--config", "nowhere.yaml"], 2, &words);
    }
}

#[test]
fn a_secret_that_is_missing_or_short() {
    let role = Role::new();
    role.agent("");
    role.file("secret", "short\n");
    role.refused("agent", 1, &["secret", "5 bytes", "at least 16"]);
    fs::remove_file(role.dir.path().join("secret")).unwrap();
    role.refused("agent", 1, &["secret", "the same file"]);
    assert!(!role.dir.path().join("home").exists(), "nothing half-done");
    assert!(!role.dir.path().join("data").exists(), "nothing half-done");
}

#[test]
fn a_memory_that_is_damaged() {
    let role = Role::new();
    role.agent("");
    let home = role.dir.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("memory"), "garbage\n").unwrap();
    role.refused("agent", 1, &["home/memory is damaged", "move"]);
    assert_eq!(
        fs::read_to_string(home.join("memory")).unwrap(),
        "garbage\n"
    );
}

#[test]
fn a_configuration_with_a_key_that_there_is_not() {
    let role = Role::new();
    role.agent("prioritee: 3\n");
    role.refused("agent", 2, &["role.yaml", "`prioritee`", "priority"]);
    role.agent("priority: high\n");
    role.refused("agent", 2, &["role.yaml", "line 9"]);
}

/// A mistyped folder must not turn an order to one group into an order to another.
#[test]
fn a_folder_without_a_group_is_no_group_elsewhere() {
    let dir = tempdir().unwrap();
    for args in [
        &["status", "--dir", "gruop"][..],
        &["wait", "--dir", "gruop"],
        &["doctor", "--dir", "gruop"],
        &["failover", "--dir", "gruop"],
        &["forget", "redis-1", "--dir", "gruop"],
        &["force", "redis-1", "--accept-loss", "--dir", "gruop"],
    ] {
        refused(dir.path(), args, 2, &["no group is in gruop", "--sentinel"]);
    }
    for args in [
        &["failover"][..],
        &["forget", "redis-1"],
        &["force", "redis-1", "--accept-loss"],
    ] {
        refused(dir.path(), args, 2, &["no group is named", "--group"]);
    }
    nothing_made(&dir);
}

/// `dir` of a role's own process is in its environment.
#[test]
fn the_folder_of_a_role_in_the_environment_is_no_mistake() {
    let dir = tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = holdfast(dir.path());
        command.env("HOLDFAST_DIR", dir.path());
        within_patience(command.args(args))
    };
    let asked = run(&["status", "--sentinel", "127.0.0.1:1"]);
    assert_eq!(asked.status.code(), Some(4), "{}", said(&asked));
    let ordered = run(&["failover"]);
    assert_eq!(ordered.status.code(), Some(2), "{}", said(&ordered));
}
