//! Groups whose redis-server becomes another version, on real servers. Those that `scripts/install-servers` has not put there
//! are skipped, and that is said.

use crate::group::{Up, eventually, own_base_port, primary, redis};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::{TempDir, tempdir};

/// What a server says of itself, such as `7.0.15`.
fn number(server: &Path) -> Option<String> {
    let said = Command::new(server).arg("--version").output().ok()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    Some(said.split("v=").nth(1)?.split(' ').next()?.to_owned())
}

/// The folder of the servers that were installed beside the tree.
fn installed() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = || named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    named("HOLDFAST_SERVERS")
        .or_else(|| Some(cache()?.join("holdfast-servers")))
        .unwrap_or_default()
}

/// A server by name and release, such as `redis-8.6`: installed beside the tree, or in `PATH`.
pub(crate) fn server(release: &str) -> Option<String> {
    let (name, prefix) = release.split_once('-')?;
    let program = format!("{name}-server");
    let places = [
        installed().join(release).join(&program),
        PathBuf::from(&program),
    ];
    let fits = |place: &&PathBuf| number(place).is_some_and(|n| n.starts_with(prefix));
    let found = places.iter().find(fits);
    if found.is_none() {
        println!("skipped: no {release} here; scripts/install-servers installs it");
    }
    found.map(|place| place.to_string_lossy().into_owned())
}

/// Starts, or goes on, with a primary and a replica of this server.
fn begin(dir: &TempDir, server: &str, port: &str, ready: bool) -> Up {
    let args = ["--replicas", "1", "--base-port", port, "--server", server];
    if ready {
        Up::ready(dir.path(), &args)
    } else {
        Up::start(dir.path(), &args)
    }
}

fn fill(up: &Up, prefix: &str) {
    let at = primary(up);
    for number in 0..50 {
        let set = format!("SET {prefix}:{number} {number}");
        eventually("a write", || redis(&at, &set).starts_with("+OK"));
    }
}

fn holds(up: &Up, prefix: &str) -> bool {
    let at = primary(up);
    (0..50).all(|number| {
        redis(&at, &format!("GET {prefix}:{number}")).contains(&format!("\r\n{number}\r\n"))
    })
}

/// Every node's append-only files begin with a snapshot in the running server's own format.
fn rewrite(up: &Up, magic: &[u8]) {
    let count = up.manifest()["nodes"].as_array().unwrap().len();
    for node in 0..count {
        let address = up.manifest()["nodes"][node]["address"].clone();
        let at = address.as_str().unwrap().to_owned();
        let data = up.dir.join(format!("redis-{node}/data"));
        redis(&at, "BGREWRITEAOF");
        eventually("the append-only file is rewritten", || {
            let files = contents(&data);
            let bases = files.iter().filter(|(name, _)| name.contains(".base."));
            bases.clone().count() == 1 && bases.clone().all(|(_, data)| data.starts_with(magic))
        });
    }
}

/// All data files below a folder.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if let Ok(data) = std::fs::read(&path) {
            all.insert(path.to_string_lossy().into_owned(), data);
        }
    }
    all
}

fn data(up: &Up) -> BTreeMap<String, Vec<u8>> {
    let mut all = contents(&up.dir.join("redis-0/data"));
    all.extend(contents(&up.dir.join("redis-1/data")));
    all
}

fn reasons(up: &Up) -> Vec<String> {
    let nodes = up.status()["nodes"].as_array().cloned().unwrap_or_default();
    let reason = |node: &serde_json::Value| node["reason"].as_str().unwrap_or_default().to_owned();
    nodes.iter().map(reason).collect()
}

/// From `old` to `new`, and back: everything is there at first, then nothing is started and nothing touched, then everything
/// is there again.
fn there_and_back(old: &str, new: &str, magic: &[u8], refusal: &str) {
    let (Some(old), Some(new)) = (server(old), server(new)) else {
        return;
    };
    let (dir, port) = (tempdir().unwrap(), own_base_port().to_string());
    let up = begin(&dir, &old, &port, true);
    fill(&up, "before");
    up.stop();

    let up = begin(&dir, &new, &port, true);
    up.settled();
    eventually("what was written before", || holds(&up, "before"));
    fill(&up, "after");
    rewrite(&up, magic);
    up.stop();

    let up = begin(&dir, &old, &port, false);
    eventually("both refuse", || {
        let reasons = reasons(&up);
        reasons.len() == 2 && reasons.iter().all(|reason| reason.contains(refusal))
    });
    let before = data(&up);
    let status = up.status();
    let decisions = status["decisions"].as_array().unwrap();
    let told = decisions
        .iter()
        .filter(|decision| decision["text"].as_str().unwrap().contains(refusal));
    assert!(told.count() <= 2, "told once by each: {decisions:#?}");
    assert!(
        status["nodes"][0]["server"]
            .as_str()
            .is_some_and(|server| refusal.contains(server)),
        "{status:#}"
    );
    let said = String::from_utf8_lossy(&up.doctor().stdout).into_owned();
    assert!(said.contains(refusal), "{said}");
    // By then `up` may have ended: no redis-server of it stays up.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(data(&up), before, "nothing was touched");
    up.stop();

    let up = begin(&dir, &new, &port, true);
    up.settled();
    eventually("all of it", || holds(&up, "before") && holds(&up, "after"));
}

#[test]
fn redis_7_to_8_and_back() {
    let refusal =
        "is in format REDIS0013, which redis 7.0.15 cannot read: run Redis 8.6 or later here again";
    there_and_back("redis-7.0", "redis-8.6", b"REDIS0013", refusal);
}

#[test]
fn redis_7_to_valkey_8_and_back() {
    let refusal = "is in format REDIS0011, which redis 7.0.15 cannot read";
    there_and_back("redis-7.0", "valkey-8.0", b"REDIS0011", refusal);
}

#[test]
fn redis_7_to_valkey_9_and_back() {
    let refusal = "is in format VALKEY080, which redis 7.0.15 cannot read: run Valkey 9.0 or later here again";
    there_and_back("redis-7.0", "valkey-9.1", b"VALKEY080", refusal);
}

#[test]
fn redis_6_to_7_and_back() {
    let refusal = "holds append-only files of Redis 7.0 or later, which redis 6.2.14 cannot read";
    there_and_back("redis-6.2", "redis-7.0", b"REDIS0010", refusal);
}
