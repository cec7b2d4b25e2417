//! Sentinels and agents as processes of their own, each with a file that the test writes again while they run.

use crate::common::holdfast;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Most of what is waited for takes a few seconds; this is for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Most sentinels and nodes of a test.
const MOST: usize = 5;

/// The files of a set, the processes that read them, and what may be changed.
pub(crate) struct Set {
    pub(crate) dir: TempDir,
    pub(crate) sentinels: usize,
    pub(crate) nodes: usize,
    /// More lines for every sentinel and for every agent.
    pub(crate) of_sentinels: String,
    pub(crate) of_agents: String,
    /// More keys of the group.
    pub(crate) of_group: &'static str,
    /// By what name or address each other is found.
    pub(crate) host: &'static str,
    ports: Vec<u16>,
    children: BTreeMap<String, Child>,
}

impl Set {
    /// Of this many sentinels and nodes, not started yet.
    pub(crate) fn new(sentinels: usize, nodes: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret"), "a secret of sufficient length").unwrap();
        let held: Vec<_> = (0..3 * MOST)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let ports = held.iter().map(|l| l.local_addr().unwrap().port());
        Self {
            ports: ports.collect(),
            dir,
            sentinels,
            nodes,
            of_sentinels: String::new(),
            of_agents: String::new(),
            of_group: "",
            host: "127.0.0.1",
            children: BTreeMap::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn node_port(&self, number: usize) -> u16 {
        self.ports[number]
    }

    pub(crate) fn client_port(&self, sentinel: usize) -> u16 {
        self.ports[MOST + sentinel]
    }

    fn control(&self, sentinel: usize) -> String {
        format!("\"{}:{}\"", self.host, self.ports[2 * MOST + sentinel])
    }

    /// Writes every file anew, each at once as a whole.
    pub(crate) fn write(&self) {
        for number in 0..MOST {
            self.replace(&format!("s-{number}.yaml"), &self.sentinel_file(number));
            self.replace(&format!("r-{number}.yaml"), &self.agent_file(number));
        }
    }

    /// Puts another file in the place of this one, as Kubernetes does.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        let draft = self.path(&format!("{name}.new"));
        fs::write(&draft, text).unwrap();
        fs::rename(draft, self.path(name)).unwrap();
    }

    fn sentinel_file(&self, number: usize) -> String {
        let mut text = self.common(&format!("s-{number}"), &self.of_sentinels);
        let (clients, control) = (self.client_port(number), self.ports[2 * MOST + number]);
        let _ = write!(
            text,
            "listen: \"127.0.0.1:{clients}\"\ncontrol: \"127.0.0.1:{control}\"\ngroups: [{{name: mymaster, nodes: {}{}}}]\nsentinels:\n",
            self.nodes, self.of_group
        );
        for other in 0..self.sentinels {
            let clients = self.client_port(other);
            let _ = writeln!(
                text,
                "- {{name: s-{other}, control: {}, clients: \"{}:{clients}\"}}",
                self.control(other),
                self.host
            );
        }
        text
    }

    fn agent_file(&self, number: usize) -> String {
        let mut text = self.common(&format!("r-{number}"), &self.of_agents);
        let data = self.path(&format!("r-{number}")).join("data");
        let (port, data) = (self.node_port(number), data.display());
        let _ = write!(
            text,
            "group: mymaster\ndata_dir: {data}\nlisten: \"127.0.0.1:{port}\"\nstop_seconds: 10\nsentinels:\n"
        );
        for other in 0..self.sentinels {
            let _ = writeln!(text, "- {}", self.control(other));
        }
        text
    }

    fn common(&self, name: &str, more: &str) -> String {
        let dir = self.dir.path().display();
        format!(
            "name: {name}\ncluster: 0123456789abcdef0123456789abcdef\nsecret_file: {dir}/secret\ndir: {dir}/{name}\n{more}"
        )
    }

    pub(crate) fn start_all(&mut self) {
        self.write();
        for number in 0..self.sentinels {
            self.start("sentinel", &format!("s-{number}"));
        }
        for number in 0..self.nodes {
            self.start("agent", &format!("r-{number}"));
        }
    }

    pub(crate) fn start(&mut self, role: &str, name: &str) {
        let log = fs::File::create(self.path(&format!("{name}.log"))).unwrap();
        let mut command: Command = holdfast(self.dir.path());
        command
            .args([role, "--config", &format!("{name}.yaml")])
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0);
        self.children
            .insert(name.to_owned(), command.spawn().unwrap());
    }

    pub(crate) fn pid(&self, name: &str) -> u32 {
        self.children[name].id()
    }

    /// The redis-server of a node.
    pub(crate) fn server_pid(&self, node: &str) -> String {
        fs::read_to_string(self.path(node).join("server.pid")).unwrap()
    }

    /// Ends a process as Kubernetes does, and waits for its end.
    pub(crate) fn stop(&mut self, name: &str) {
        let mut child = self.children.remove(name).unwrap();
        send("-TERM", child.id());
        child.wait().unwrap();
    }

    /// No process has ended by itself.
    pub(crate) fn all_live(&mut self) {
        for (name, child) in &mut self.children {
            assert!(child.try_wait().unwrap().is_none(), "{name} has ended");
        }
    }

    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.log"))).unwrap()
    }

    /// What a sentinel says of the group.
    pub(crate) fn status(&self, sentinel: usize) -> serde_json::Value {
        let said = redis_cli(
            self.client_port(sentinel),
            &["HOLDFAST", "STATUS", "mymaster"],
        );
        serde_json::from_str(&said).unwrap_or_default()
    }

    /// Number of the node that is primary and takes writes.
    pub(crate) fn primary(&self) -> usize {
        let mut number = None;
        eventually("a writable primary", || {
            let status = self.status(0);
            let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
            let open = nodes.iter().find(|node| node["writable"] == true);
            let name = open.and_then(|node| node["name"].as_str());
            number = name.and_then(|name| name.strip_prefix("r-")?.parse().ok());
            number.is_some()
        });
        number.unwrap()
    }

    /// Waits until these many nodes are shown, all up.
    pub(crate) fn settled(&self, count: usize) {
        eventually("all nodes up", || {
            let status = self.status(0);
            let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
            nodes.len() == count && nodes.iter().all(|node| node["state"] == "up")
        });
    }

    pub(crate) fn replica(&self) -> usize {
        let primary = self.primary();
        (0..self.nodes).find(|node| *node != primary).unwrap()
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in self.children.keys() {
                eprintln!("--- {name}\n{}", self.log(name));
            }
        }
        for child in self.children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn send(signal: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

pub(crate) fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !test() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What redis-cli prints.
pub(crate) fn redis_cli(port: u16, args: &[&str]) -> String {
    let port = port.to_string();
    run(
        "redis-cli",
        &[&["-h", "127.0.0.1", "-p", &port], args].concat(),
    )
}

/// What a program prints, errors included.
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    let mut command = Command::new(program);
    let output = command.args(args).stdin(Stdio::null()).output().unwrap();
    let both = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&both).trim_end().to_owned()
}

/// A certificate for localhost, signed by the authority of `dir`, which is made first where it is missing.
pub(crate) fn certify(dir: &Path, serial: u32) {
    let at = |name: &str| dir.join(name).display().to_string();
    let openssl = |args: &[&str]| run("openssl", args);
    if !dir.join("ca.crt").exists() {
        let (key, certificate) = (at("ca.key"), at("ca.crt"));
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &certificate,
            "-days",
            "2",
            "-subj",
            "/CN=authority",
        ]);
    }
    let (key, request, signed) = (at("new.key"), at("new.csr"), at("new.crt"));
    openssl(&[
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        &key,
        "-out",
        &request,
        "-subj",
        "/CN=localhost",
    ]);
    fs::write(
        dir.join("ext"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1\n",
    )
    .unwrap();
    let said = openssl(&[
        "x509",
        "-req",
        "-in",
        &request,
        "-CA",
        &at("ca.crt"),
        "-CAkey",
        &at("ca.key"),
        "-set_serial",
        &serial.to_string(),
        "-days",
        "1",
        "-extfile",
        &at("ext"),
        "-out",
        &signed,
    ]);
    assert!(dir.join("new.crt").exists(), "{said}");
    fs::rename(dir.join("new.key"), dir.join("tls.key")).unwrap();
    fs::rename(dir.join("new.crt"), dir.join("tls.crt")).unwrap();
}
