//! Real sentinel, agents and redis-servers that tell a small API server, and answer probes.

#![allow(clippy::unwrap_used)]

#[path = "../../kube-mirror/tests/support/mod.rs"]
mod api;
mod common;

use api::FakeApi;
use common::{holdfast, said};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

/// Everything here takes milliseconds on an idle machine; this is for a busy one.
const PATIENCE: Duration = Duration::from_secs(30);

/// A sentinel and two nodes.
struct Group {
    children: Vec<Child>,
    sentinel: u16,
    redis: [u16; 2],
    /// Probes of the sentinel and of both agents.
    http: [u16; 3],
    dir: TempDir,
}

impl Drop for Group {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Group {
    fn start(api: &FakeApi) -> Self {
        let dir = tempdir().unwrap();
        fs::write(
            dir.path().join("secret"),
            "a secret of sixteen bytes or more",
        )
        .unwrap();
        let mut group = Self {
            children: Vec::new(),
            sentinel: free_port(),
            redis: [free_port(), free_port()],
            http: [free_port(), free_port(), free_port()],
            dir,
        };
        let control = free_port();
        let clients = group.sentinel;
        group.spawn(
            api,
            "sentinel",
            "r-sentinel-0",
            &[
                format!("--listen=127.0.0.1:{clients}"),
                format!("--control=127.0.0.1:{control}"),
                format!("--sentinels=r-sentinel-0=127.0.0.1:{control},127.0.0.1:{clients}"),
                "--groups=mymaster:2".to_owned(),
                format!("--http=127.0.0.1:{}", group.http[0]),
            ],
        );
        for node in 0..2 {
            let name = format!("r-node-{node}");
            group.spawn(
                api,
                "agent",
                &name,
                &[
                    "--group=mymaster".to_owned(),
                    format!("--data-dir={name}/data"),
                    format!("--listen=127.0.0.1:{}", group.redis[node]),
                    format!("--sentinels=127.0.0.1:{control}"),
                    format!("--http=127.0.0.1:{}", group.http[node + 1]),
                    "--primary-service=r-primary".to_owned(),
                ],
            );
        }
        group
    }

    fn spawn(&mut self, api: &FakeApi, role: &str, name: &str, args: &[String]) {
        let number = name.rsplit('-').next().unwrap();
        let log = fs::File::create(self.dir.path().join(format!("{name}.log"))).unwrap();
        fs::create_dir_all(self.dir.path().join(name).join("data")).unwrap();
        let child = holdfast(self.dir.path())
            .args([role, "--name", name, "--dir", name])
            .args(["--cluster", "0123456789abcdef0123456789abcdef"])
            .args(["--secret-file", "secret"])
            .arg(format!("--die-with-parent={}", std::process::id()))
            .args(args)
            .env("HOLDFAST_KUBERNETES", "true")
            .env("HOLDFAST_KUBERNETES_API", format!("http://{}", api.address))
            .env("POD_NAMESPACE", "ns")
            .env("POD_IP", format!("10.0.0.{number}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.children.push(child.unwrap());
    }

    fn smoke(&self, args: &[String]) -> std::process::Output {
        let mut command: Command = holdfast(self.dir.path());
        command.arg("smoke").args(args).output().unwrap()
    }
}

/// Status line and body.
fn get(port: u16, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_owned(), body.to_owned()))
}

fn until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(20));
    }
}

fn answers(port: u16, path: &str, code: &str) -> bool {
    get(port, path).is_some_and(|(status, _)| status.contains(code))
}

fn kill_server(dir: &Path, name: &str) {
    let pid = fs::read_to_string(dir.join(name).join("server.pid")).unwrap();
    let pid = pid.split_whitespace().next().unwrap().to_owned();
    assert!(
        Command::new("kill")
            .args(["-9", &pid])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn kubernetes_is_told_of_a_failover_and_probes_say_who_is_ready() {
    let api = FakeApi::start();
    let group = Group::start(&api);
    api.until("a primary and a replica", |state| {
        let labels = ["r-node-0", "r-node-1"].map(|pod| state.label(pod));
        labels.contains(&Some("primary")) && labels.contains(&Some("replica"))
    });
    for port in group.http {
        until("ready", || answers(port, "/readyz", "200"));
        assert!(answers(port, "/livez", "200"));
        assert!(answers(port, "/nothing", "404"));
    }
    let first = usize::from(api.state().label("r-node-1") == Some("primary"));
    let second = 1 - first;
    assert_eq!(
        api.state().primary(),
        Some(format!("10.0.0.{first}").as_str())
    );
    let (_, metrics) = get(group.http[first + 1], "/metrics").unwrap();
    let role = format!(
        r#"holdfast_node_role{{group="mymaster",node="r-node-{first}",role="primary"}} 1.0"#
    );
    assert!(metrics.contains(&role), "{metrics}");

    let before = api.state().writes();
    sleep(Duration::from_secs(2));
    assert_eq!(api.state().writes(), before, "writes while nothing happens");

    kill_server(group.dir.path(), &format!("r-node-{first}"));
    let began = Instant::now();
    let other = format!("10.0.0.{second}");
    api.until("the other primary", |state| state.primary() == Some(&other));
    println!("the primary Service followed after {:?}", began.elapsed());
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    api.until("the old primary's label", |state| {
        state.label(&format!("r-node-{first}")) == Some("replica")
    });
    for reason in ["ServerEnded", "PrimaryDeposed", "PrimaryAppointed"] {
        api.until(reason, |state| {
            state.events().iter().any(|event| event["reason"] == reason)
        });
    }
    let writes = api.state().writes() - before;
    assert!(
        writes <= 8,
        "{writes} writes for one failover: {:#?}",
        api.state().requests
    );
}

#[test]
fn the_smoke_test_does_what_clients_do() {
    let api = FakeApi::start();
    let group = Group::start(&api);
    until("ready", || {
        group
            .http
            .iter()
            .all(|port| answers(*port, "/readyz", "200"))
    });
    let first = usize::from(api.state().label("r-node-1") == Some("primary"));
    let sentinel = format!("--sentinel=127.0.0.1:{}", group.sentinel);
    let primary = format!("--primary=127.0.0.1:{}", group.redis[first]);
    let replica = format!("--replica=127.0.0.1:{}", group.redis[1 - first]);
    let done = group.smoke(&[sentinel.clone(), primary.clone(), replica]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(String::from_utf8(done.stdout).unwrap().lines().count(), 5);

    // A replica Service that leads to the primary.
    let wrong = format!("--replica=127.0.0.1:{}", group.redis[first]);
    let failed = group.smoke(&[sentinel, primary, wrong]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        said(&failed).contains("leads to a master, not to a replica"),
        "{}",
        said(&failed)
    );
    let nobody = group.smoke(&[format!("--sentinel=127.0.0.1:{}", free_port())]);
    assert_eq!(
        (nobody.status.code(), said(&nobody).lines().count()),
        (Some(1), 1)
    );
}
