//! A running group, and what a test asks of it.

use crate::common::holdfast;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Everything here takes milliseconds on an idle machine; this is for a busy one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running `up`, with its lines. Killed with everything that belongs to it when dropped.
pub(crate) struct Up {
    pub(crate) child: Child,
    lines: Receiver<String>,
    pub(crate) dir: PathBuf,
}

pub(crate) fn own_base_port() -> u16 {
    static CALLS: AtomicU16 = AtomicU16::new(0);
    let slot = (std::process::id() % 40) as u16 * 5 + CALLS.fetch_add(1, Ordering::Relaxed);
    10_000 + slot * 10
}

impl Up {
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
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

    pub(crate) fn ready(dir: &Path, args: &[&str]) -> Self {
        let up = Self::start(dir, args);
        up.line_with("ready in");
        up
    }

    /// Waits for a line with this text.
    pub(crate) fn line_with(&self, text: &str) -> String {
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

    /// Closes the other end of its stdout: the thread that reads it ends with the next line.
    pub(crate) fn stop_listening(&mut self) {
        self.lines = channel().1;
    }

    pub(crate) fn manifest(&self) -> Value {
        // Written atomically: whoever reads it never sees half of it.
        serde_json::from_str(&fs::read_to_string(self.dir.join("cluster.json")).unwrap()).unwrap()
    }

    pub(crate) fn pids(&self) -> Vec<i32> {
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

    /// Number of the process of a node's redis-server.
    pub(crate) fn server_pid(&self, node: usize) -> i32 {
        self.manifest()["nodes"][node]["server_pid"]
            .as_i64()
            .unwrap() as i32
    }

    pub(crate) fn doctor(&self) -> Output {
        let args = ["doctor", "--dir", "group"];
        let mut command = holdfast(self.dir.parent().unwrap());
        command.args(args).output().unwrap()
    }

    pub(crate) fn status(&self) -> Value {
        let output = holdfast(self.dir.parent().unwrap())
            .args(["status", "--json", "--dir", "group"])
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Waits until every node is up.
    pub(crate) fn settled(&self) {
        eventually("all nodes up", || {
            let status = self.status();
            let expected = self.manifest()["nodes"].as_array().unwrap().len();
            let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
            nodes.len() == expected && nodes.iter().all(|node| node["state"] == "up")
        });
    }

    /// Ends it as Ctrl-C does and returns what was left to say.
    pub(crate) fn stop(mut self) -> (i32, Vec<String>) {
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

pub(crate) fn signal(name: &str, pid: i32) {
    assert!(
        Command::new("kill")
            .args([name, &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

pub(crate) fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

pub(crate) fn eventually(what: &str, test: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !test() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One command by the inline protocol; the answer's first bytes.
pub(crate) fn redis(address: &str, command: &str) -> String {
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

pub(crate) fn primary(up: &Up) -> String {
    up.status()["primary_address"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

pub(crate) fn small(dir: &TempDir, more: &[&str]) -> Up {
    let port = own_base_port().to_string();
    let args = [&["--replicas", "1", "--base-port", &port], more].concat();
    Up::ready(dir.path(), &args)
}
