//! What happens at the limits of memory and disk. Needs root and control groups or mount namespaces; skipped, with a
//! word, where they are not to be had.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server_support;

use holdfast_agent::server::{DeathReason, Event, Server};
use server_support::{Node0, PASSWORD, options, version};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;

const LIMIT: u64 = 96 << 20;

/// A control group of this test alone, with a limit on memory.
struct Group(PathBuf);

impl Group {
    fn new() -> Option<Self> {
        let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let v1 = own
            .lines()
            .find_map(|line| line.split_once(":memory:"))
            .map(|(_, path)| ("/sys/fs/cgroup/memory", path));
        let v2 = own
            .lines()
            .find_map(|line| line.strip_prefix("0::"))
            .map(|path| ("/sys/fs/cgroup", path));
        [(v1, "memory.limit_in_bytes"), (v2, "memory.max")]
            .into_iter()
            .find_map(|(place, limit)| {
                let (root, path) = place?;
                let group = Self(
                    Path::new(root)
                        .join(path.trim_start_matches('/'))
                        .join(format!("holdfast-test-{}", std::process::id())),
                );
                std::fs::create_dir(&group.0).ok()?;
                std::fs::write(group.0.join(limit), LIMIT.to_string()).ok()?;
                Some(group)
            })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// Runs one of this file's helpers as a process of its own.
fn run_helper(mut with: Command, helper: &str, value: &Path) -> Output {
    with.arg(std::env::current_exe().unwrap())
        .args([helper, "--exact", "--nocapture", "--test-threads=1"])
        .env("HOLDFAST_TEST_LIMITS", value)
        .output()
        .unwrap()
}

fn value_of_helper() -> Option<PathBuf> {
    std::env::var_os("HOLDFAST_TEST_LIMITS").map(PathBuf::from)
}

#[tokio::test]
async fn helper_out_of_memory() {
    let Some(group) = value_of_helper() else {
        return;
    };
    std::fs::write(group.join("cgroup.procs"), std::process::id().to_string()).unwrap();
    let home = TempDir::new().unwrap();
    let mut options = options(home.path());
    options.memory_limit_bytes = 0;
    let mut node = Node0::start_in(home, options).await;
    let maxmemory = node.link.info().await.unwrap().maxmemory;
    assert!(
        (LIMIT / 2..LIMIT).contains(&maxmemory),
        "derived from the group's limit: {maxmemory}"
    );
    node.reign().await;
    node.link
        .command(&["CONFIG", "SET", "maxmemory", "0"])
        .await
        .unwrap();
    for i in 0..4000 {
        if node
            .set(&format!("k{i}"), &"x".repeat(100_000))
            .await
            .is_err()
        {
            break;
        }
    }
    let Event::Died(death) = node.event().await else {
        panic!("no death")
    };
    assert_eq!(death.reason, DeathReason::OutOfMemory);
    node.server.released().await;
    println!("out of memory it was");
}

#[test]
fn a_kill_for_lack_of_memory_is_told_from_others_and_the_limit_gives_maxmemory() {
    let Some(group) = Group::new() else {
        eprintln!("skipped: no control group can be made here");
        return;
    };
    let output = run_helper(Command::new("env"), "helper_out_of_memory", &group.0);
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("out of memory it was"), "{said}");
}

#[tokio::test]
async fn helper_full_disk() {
    let Some(disk) = value_of_helper() else {
        return;
    };
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"])
        .arg(&disk)
        .status()
        .unwrap();
    assert!(mounted.success());
    let mut options = options(&disk);
    options.data_dir = disk.parent().unwrap().join("data");
    std::fs::create_dir(&options.dir).unwrap();
    std::fs::write(disk.join("filler"), vec![0; 16 << 10]).unwrap();
    let (sender, _events) = mpsc::channel(4);
    let error = Server::start(&options, &version(), PASSWORD, sender)
        .expect_err("no room")
        .to_string();
    assert!(
        error.contains("cannot write")
            && error.contains("free some space")
            && !error.contains('\n'),
        "{error}"
    );
    let left: Vec<_> = std::fs::read_dir(&options.dir).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    println!("full it was");
}

#[test]
fn a_full_disk_is_one_line_and_leaves_nothing() {
    let home = TempDir::new().unwrap();
    let disk = home.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--propagation", "private"]);
    if !Command::new("unshare")
        .args(["--mount", "true"])
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("skipped: no mount namespace can be made here");
        return;
    }
    let output = run_helper(unshare, "helper_full_disk", &disk);
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("full it was"), "{said}");
}

/// A data disk that fills up while the server runs: it lives, refuses writes, and ends in order all the same.
#[tokio::test]
async fn helper_full_data_disk() {
    let Some(disk) = value_of_helper() else {
        return;
    };
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
        .arg(&disk)
        .status()
        .unwrap();
    assert!(mounted.success());
    let home = TempDir::new().unwrap();
    let mut options = options(home.path());
    options.data_dir = disk.clone();
    let mut node = Node0::start_in(home, options).await;
    node.reign().await;
    while node.set("a", &"x".repeat(50_000)).await.is_ok() {}
    assert!(!node.link.info().await.unwrap().persistence.aof_write_ok);
    let stopped = node.server.stop(Duration::from_secs(3)).await;
    println!("full it was: {stopped:?}");
}

#[test]
fn a_full_data_disk_is_reported() {
    let home = TempDir::new().unwrap();
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--propagation", "private"]);
    if !Command::new("unshare")
        .args(["--mount", "true"])
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("skipped: no mount namespace can be made here");
        return;
    }
    let output = run_helper(unshare, "helper_full_data_disk", home.path());
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("full it was"), "{said}");
    eprintln!(
        "{}",
        said.lines()
            .find(|line| line.contains("full it was"))
            .unwrap()
    );
}
