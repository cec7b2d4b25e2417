//! `holdfast up` with real processes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{holdfast, said};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

/// Everything here takes milliseconds on an idle machine; this is for a busy one.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `up`, with its lines. Killed with everything that belongs to it when dropped.
struct Up {
    child: Child,
    lines: Receiver<String>,
    dir: PathBuf,
}

fn own_base_port() -> u16 {
    static CALLS: AtomicU16 = AtomicU16::new(0);
    let slot = (std::process::id() % 40) as u16 * 5 + CALLS.fetch_add(1, Ordering::Relaxed);
    10_000 + slot * 10
}

impl Up {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = holdfast(dir);
        command
            .args(["up", "--headless", "--dir", "group"])
            .args(args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            out.lines()
                .map_while(Result::ok)
                .try_for_each(|line| tell.send(line))
        });
        Self {
            child,
            lines,
            dir: dir.join("group"),
        }
    }

    fn ready(dir: &Path, args: &[&str]) -> Self {
        let up = Self::start(dir, args);
        up.line_with("ready in");
        up
    }

    /// Waits for a line with this text.
    fn line_with(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self
                .lines
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("no line with `{text}`"));
            if line.contains(text) {
                return line;
            }
        }
    }

    fn manifest(&self) -> Value {
        // Written atomically: whoever reads it never sees half of it.
        serde_json::from_str(&fs::read_to_string(self.dir.join("cluster.json")).unwrap()).unwrap()
    }

    fn pids(&self) -> Vec<i32> {
        let manifest = self.manifest();
        let all = |list: &str, key: &str| -> Vec<i32> {
            manifest[list]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|entry| entry[key].as_i64())
                .map(|pid| pid as i32)
                .collect()
        };
        [
            all("sentinels", "pid"),
            all("nodes", "agent_pid"),
            all("nodes", "server_pid"),
        ]
        .concat()
    }

    fn status(&self) -> Value {
        let output = holdfast(self.dir.parent().unwrap())
            .args(["status", "--json", "--dir", "group"])
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Waits until every node is up.
    fn settled(&self) {
        eventually("all nodes up", || {
            let status = self.status();
            let expected = self.manifest()["nodes"].as_array().unwrap().len();
            let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
            nodes.len() == expected && nodes.iter().all(|node| node["state"] == "up")
        });
    }

    /// Ends it as Ctrl-C does and returns what was left to say.
    fn stop(mut self) -> (i32, Vec<String>) {
        signal("-INT", self.child.id() as i32);
        let status = self.child.wait().unwrap();
        (status.code().unwrap_or(-1), self.lines.iter().collect())
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(name: &str, pid: i32) {
    assert!(
        Command::new("kill")
            .args([name, &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn eventually(what: &str, test: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !test() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One command by the inline protocol; the answer's first bytes.
fn redis(address: &str, command: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return String::new();
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    stream
        .write_all(format!("{command}\r\n").as_bytes())
        .unwrap();
    let mut answer = [0; 256];
    let length = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

fn primary(up: &Up) -> String {
    up.status()["primary_address"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn small(dir: &TempDir, more: &[&str]) -> Up {
    let port = own_base_port().to_string();
    let args = [&["--replicas", "1", "--base-port", &port], more].concat();
    Up::ready(dir.path(), &args)
}

#[test]
fn a_whole_group_starts_shows_itself_and_ends() {
    let dir = tempdir().unwrap();
    let up = Up::ready(dir.path(), &["--base-port", &own_base_port().to_string()]);
    up.settled();
    let pids = up.pids();
    assert_eq!(
        pids.len(),
        11,
        "3 sentinels, 4 agents, 4 servers: {}",
        up.manifest()
    );
    assert!(pids.iter().all(|pid| lives(*pid)));
    let status = up.status();
    assert_eq!(
        (status["group"].as_str(), status["phase"].as_str()),
        (Some("mymaster"), Some("stable"))
    );
    assert!(redis(&primary(&up), "SET k v").starts_with("+OK"));
    let doctor = holdfast(dir.path())
        .args(["doctor", "--dir", "group"])
        .output()
        .unwrap();
    assert_eq!(
        doctor.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&doctor.stdout)
    );
    let (code, lines) = up.stop();
    assert_eq!(code, 0);
    assert!(
        lines.last().unwrap().contains("the data is left in"),
        "{lines:?}"
    );
    assert!(!pids.iter().any(|pid| lives(*pid)));
    let left: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("group/cluster.json")).unwrap())
            .unwrap();
    assert!(
        left["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|node| node["server_pid"].is_null() && node["agent_pid"].is_null())
    );
}

#[test]
fn a_second_up_goes_on_with_the_data_and_the_ports() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    assert!(redis(&primary(&up), "SET kept yes").starts_with("+OK"));
    let addresses = |manifest: &Value| -> Vec<Value> {
        manifest["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .chain(manifest["sentinels"].as_array().unwrap())
            .map(|entry| entry["address"].clone())
            .collect()
    };
    let before = addresses(&up.manifest());
    up.stop();
    let up = Up::ready(dir.path(), &[]);
    assert_eq!(addresses(&up.manifest()), before);
    assert!(redis(&primary(&up), "GET kept").contains("yes"));
}

#[test]
fn a_folder_in_use_is_refused() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    let second = holdfast(dir.path())
        .args(["up", "--headless", "--dir", "group"])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(2));
    let said = said(&second);
    assert!(
        said.contains("in use") && said.contains(&up.child.id().to_string()),
        "{said}"
    );
    assert!(up.pids().iter().all(|pid| lives(*pid)), "the first goes on");
}

#[test]
fn taken_ports_are_skipped() {
    let dir = tempdir().unwrap();
    let port = own_base_port();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let up = Up::ready(
        dir.path(),
        &["--replicas", "1", "--base-port", &port.to_string()],
    );
    let manifest = up.manifest();
    let ports: Vec<&str> = manifest["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["address"].as_str().unwrap())
        .collect();
    assert!(
        !ports.contains(&format!("127.0.0.1:{port}").as_str()),
        "{ports:?}"
    );
}

#[test]
fn nothing_outlives_an_up_that_is_killed() {
    let dir = tempdir().unwrap();
    let mut up = small(&dir, &[]);
    up.settled();
    let pids = up.pids();
    up.child.kill().unwrap();
    up.child.wait().unwrap();
    eventually("everything is gone", || !pids.iter().any(|pid| lives(*pid)));
}

#[test]
fn processes_that_die_are_started_again_and_cluster_json_follows() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    for (list, i, key) in [
        ("sentinels", 1, "pid"),
        ("nodes", 1, "agent_pid"),
        ("nodes", 0, "server_pid"),
        ("nodes", 0, "agent_pid"),
    ] {
        let old = up.manifest()[list][i][key].as_i64().unwrap() as i32;
        signal("-KILL", old);
        eventually("a new process", || {
            let new = up.manifest()[list][i][key].as_i64();
            new.is_some_and(|new| new as i32 != old && lives(new as i32))
        });
        up.settled();
    }
}

#[test]
fn without_restart_a_dead_process_stays_down() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &["--no-restart"]);
    up.settled();
    signal(
        "-KILL",
        up.manifest()["sentinels"][2]["pid"].as_i64().unwrap() as i32,
    );
    up.line_with("it stays down");
    assert!(up.manifest()["sentinels"][2]["pid"].is_null());
    let status = holdfast(dir.path())
        .args(["doctor", "--dir", "group"])
        .output()
        .unwrap();
    assert_eq!(status.status.code(), Some(3));
}

#[test]
fn one_node_alone_is_allowed_with_a_warning() {
    let dir = tempdir().unwrap();
    let port = own_base_port().to_string();
    let mut up = Up::ready(
        dir.path(),
        &["--replicas", "0", "--sentinels", "1", "--base-port", &port],
    );
    assert!(redis(&primary(&up), "SET k v").starts_with("+OK"));
    signal("-INT", up.child.id() as i32);
    up.child.wait().unwrap();
    let mut warned = String::new();
    up.child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut warned)
        .unwrap();
    assert!(warned.contains("nothing can fail over"), "{warned}");
}

#[test]
fn a_failover_on_order_says_what_it_did() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    let before = up.status()["primary"].clone();
    let output = holdfast(dir.path())
        .args(["failover", "--json", "--dir", "group"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done["from"], before);
    assert_eq!(up.status()["primary"], done["to"]);
    assert!(done["pause_ms"].is_number(), "{done}");
}
