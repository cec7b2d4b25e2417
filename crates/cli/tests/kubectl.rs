//! `kubectl holdfast` against an API server on loopback that knows the pods of real processes: lists them, forwards their
//! ports over WebSocket and runs commands in them as kubelets do, and has their logs.

#![allow(clippy::unwrap_used)]

mod common;

use common::{holdfast, said};
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

const SENTINEL: &str = "r-sentinel-0";
const LOG: &str = "2026-11-22T20:00:01.250000000Z 2026-11-22T20:00:01.249000Z  INFO holdfast_sentinel::decisions: deposed r-node-1: gone group=mymaster by=\"r-sentinel-0\"\n";

/// A sentinel whose pod the API server knows.
struct Setting {
    sentinel: Child,
    dir: TempDir,
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = self.sentinel.kill();
        let _ = self.sentinel.wait();
    }
}

impl Setting {
    /// With the pods of these releases.
    fn start(releases: &'static [&'static str]) -> Self {
        let dir = tempdir().unwrap();
        let port = free_port();
        let sentinel = sentinel(dir.path(), port);
        let api = serve(releases, port, dir.path().join("group/redis-0"));
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": format!("http://{api}")}}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "ns"}}],
        });
        fs::write(dir.path().join("kubeconfig"), kubeconfig.to_string()).unwrap();
        Self { sentinel, dir }
    }

    /// Runs the program under the name that kubectl looks for.
    fn kubectl(&self, args: &[&str]) -> Output {
        let plugin = self.dir.path().join("kubectl-holdfast");
        let _ = std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_holdfast"), &plugin);
        let mut command = std::process::Command::new(plugin);
        command.env("KUBECONFIG", self.dir.path().join("kubeconfig"));
        command.args(args).output().unwrap()
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn sentinel(dir: &Path, port: u16) -> Child {
    fs::write(dir.join("secret"), "a secret of sixteen bytes or more").unwrap();
    let control = free_port();
    holdfast(dir)
        .args([
            "sentinel",
            "--name",
            SENTINEL,
            "--dir",
            "sentinel",
            "--secret-file",
            "secret",
        ])
        .args([
            "--cluster",
            "0123456789abcdef0123456789abcdef",
            "--groups",
            "others:2",
        ])
        .arg(format!("--listen=127.0.0.1:{port}"))
        .arg(format!("--control=127.0.0.1:{control}"))
        .arg(format!(
            "--sentinels={SENTINEL}=127.0.0.1:{control},127.0.0.1:{port}"
        ))
        .arg(format!("--die-with-parent={}", std::process::id()))
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn serve(releases: &'static [&'static str], sentinel: u16, agent: PathBuf) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(converse(stream, releases, sentinel, agent.clone()));
            }
        });
    });
    address
}

/// Every connection carries one request, so that its first line says what it is.
async fn converse(
    stream: TcpStream,
    releases: &'static [&'static str],
    sentinel: u16,
    agent: PathBuf,
) {
    let mut first = [0; 1024];
    let length = stream.peek(&mut first).await.unwrap();
    let first = String::from_utf8_lossy(&first[..length]).into_owned();
    if first.contains("/portforward?") {
        return Box::pin(forward(stream, sentinel)).await;
    }
    if first.contains("/exec?") {
        return Box::pin(execute(stream, &first, &agent)).await;
    }
    let service = service_fn(move |request| {
        std::future::ready(Ok::<_, Infallible>(answer(&request, releases)))
    });
    let _ = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(request: &Request<Incoming>, releases: &[&str]) -> Response<Full<Bytes>> {
    let body = match request.uri().path() {
        path if path.ends_with("/log") => LOG.to_owned(),
        "/api/v1/namespaces/ns/pods" => {
            let sentinels = releases.iter().map(|release| pod(release, "sentinel"));
            // Only where somebody asks them: other tests have no nodes.
            let nodes = releases.iter().filter(|release| **release == "noded");
            let nodes = nodes.map(|release| pod(release, "node"));
            let pods: Vec<Value> = sentinels.chain(nodes).collect();
            json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods})
                .to_string()
        }
        _ => {
            json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}).to_string()
        }
    };
    Response::new(Full::new(body.into()))
}

fn pod(release: &str, component: &str) -> Value {
    json!({
        "metadata": {
            "name": format!("{release}-{component}-0"),
            "namespace": "ns",
            "labels": {"app.kubernetes.io/instance": release, "app.kubernetes.io/component": component},
        },
        "spec": {"containers": [{
            "name": component,
            "command": ["/holdfast/bin/holdfast", component],
            "ports": [{"name": "sentinel", "containerPort": 26379}],
        }]},
    })
}

async fn shake_hands(stream: TcpStream) -> WebSocketStream<TcpStream> {
    // The size of a refusal is the library's choice.
    #[allow(clippy::result_large_err)]
    let shake = |_: &server::Request, mut response: server::Response| {
        let protocol = "v4.channel.k8s.io".parse().unwrap();
        response
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", protocol);
        Ok(response)
    };
    accept_hdr_async(stream, shake).await.unwrap()
}

/// Runs this program with the words that are asked for, as in the pod of that agent: its output is channel 1, errors are 2.
async fn execute(stream: TcpStream, request: &str, agent: &Path) {
    let mut socket = shake_hands(stream).await;
    let query = request
        .split(' ')
        .nth(1)
        .unwrap()
        .split_once('?')
        .unwrap()
        .1;
    let words = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("command="));
    let words: Vec<String> = words
        .map(|word| word.replace("%2F", "/").replace("%3D", "="))
        .collect();
    assert_eq!(words[0], "/holdfast/bin/holdfast");
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_holdfast"));
    let command = command.env("HOLDFAST_DIR", agent).args(&words[1..]);
    let output = command.output().await.unwrap();
    let ended = br#"{"metadata":{},"status":"Success"}"#.to_vec();
    for (channel, data) in [(1, output.stdout), (2, output.stderr), (3, ended)] {
        let data = [&[channel], &data[..]].concat();
        socket.send(Message::binary(data)).await.unwrap();
    }
    let _ = socket.close(None).await;
}

/// One port: data on channel 0, errors on channel 1, each begun with the port's number.
async fn forward(stream: TcpStream, port: u16) {
    let mut socket = shake_hands(stream).await;
    let [low, high] = 26379_u16.to_le_bytes();
    for channel in [0, 1] {
        socket
            .send(Message::binary(vec![channel, low, high]))
            .await
            .unwrap();
    }
    let Ok(mut there) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let mut buffer = [0; 16 << 10];
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(data))) if data.first() == Some(&0) => there.write_all(&data[1..]).await.unwrap(),
                Some(Ok(_)) => {}
                _ => return,
            },
            read = there.read(&mut buffer) => match read {
                Ok(length @ 1..) => {
                    let data = [&[0], &buffer[..length]].concat();
                    if socket.send(Message::binary(data)).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}

/// The plugin's answer, once the sentinel is up.
fn status(setting: &Setting) -> Value {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let output = setting.kubectl(&["status", "--json"]);
        if let Ok(status) = serde_json::from_slice(&output.stdout) {
            return status;
        }
        assert!(Instant::now() < end, "{}", said(&output));
    }
}

#[test]
fn status_and_doctor_go_through_a_forwarded_port() {
    let setting = Setting::start(&["r"]);
    let status = status(&setting);
    assert_eq!(status["sentinel"], SENTINEL);
    assert_eq!(status["group"], "others");
    let doctor = setting.kubectl(&["doctor"]);
    let told = String::from_utf8(doctor.stdout.clone()).unwrap();
    assert!(
        told.contains("there is only one sentinel"),
        "{told}{}",
        said(&doctor)
    );
    // Nobody knows the forwarded ports.
    assert!(!told.contains("127.0.0.1"), "{told}");
}

#[test]
fn a_refusal_of_the_sentinel_is_told_as_it_is() {
    let setting = Setting::start(&["r"]);
    status(&setting);
    let failed = setting.kubectl(&["failover", "--to", "r-node-1"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        said(&failed).contains("others has not been started yet"),
        "{}",
        said(&failed)
    );
    assert!(
        said(&failed).contains("at r-sentinel-0"),
        "{}",
        said(&failed)
    );
}

#[test]
fn logs_are_read_from_the_cluster() {
    let setting = Setting::start(&["r"]);
    let logs = setting.kubectl(&["logs"]);
    assert_eq!(
        String::from_utf8(logs.stdout).unwrap().trim_end(),
        "2026-11-22T20:00:01.250Z  r-sentinel-0  deposed r-node-1: gone",
        "{}",
        String::from_utf8_lossy(&logs.stderr)
    );
}

#[test]
fn clients_are_asked_of_each_pod() {
    let setting = Setting::start(&["noded"]);
    let ask = |more: &[&str]| setting.kubectl(&[&["clients"], more].concat());
    let nobody = ask(&[]);
    assert_eq!(nobody.status.code(), Some(4), "{}", said(&nobody));
    let why = "noded-node-0: ";
    assert!(said(&nobody).contains(why), "{}", said(&nobody));
    assert!(said(&nobody).contains("is the folder of no group and of no agent that runs"));
    let wrong = ask(&["--node", "noded-node-7"]);
    assert_eq!(wrong.status.code(), Some(2));
    let text = "this release has no node noded-node-7; there is noded-node-0";
    assert!(said(&wrong).contains(text), "{}", said(&wrong));

    let up = Group::start(setting.dir.path());
    let mut client = std::net::TcpStream::connect(("127.0.0.1", up.port)).unwrap();
    client.write_all(b"CLIENT SETNAME guest\r\n").unwrap();
    client.read_exact(&mut [0; 5]).unwrap();
    let shown = ask(&[]);
    let text = String::from_utf8(shown.stdout.clone()).unwrap();
    let address = client.local_addr().unwrap().to_string();
    let line = text.lines().find(|line| line.contains("guest"));
    let line = line.unwrap_or_else(|| panic!("{text}{}", said(&shown)));
    assert!(line.contains(&address), "{line}");
    assert!(!text.contains("holdfast's own"), "{text}");
    let json = ask(&["--json", "--all", "--node", "noded-node-0"]);
    let heard: Value = serde_json::from_slice(&json.stdout).unwrap();
    let clients = heard["nodes"][0]["clients"].as_array().unwrap();
    assert!(
        clients.iter().any(|client| client["own"] == true),
        "{heard}"
    );
    let stale = ask(&["--id", "987654321"]);
    assert_eq!(stale.status.code(), Some(1), "{}", said(&stale));

    // Its agent has ended, and its socket is left: that is told of the pod, not of a folder in it.
    drop(up);
    let socket = setting.dir.path().join("group/redis-0/agent.sock");
    let _ = fs::remove_file(&socket);
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let silent = ask(&[]);
    assert_eq!(silent.status.code(), Some(4), "{}", said(&silent));
    let text = said(&silent);
    assert!(text.starts_with("holdfast: noded-node-0: "), "{text}");
}

/// A group that `holdfast up` runs in this folder, whose redis-0 is the pod's.
struct Group {
    up: Child,
    port: u16,
}

impl Group {
    fn start(dir: &Path) -> Self {
        let port = free_port();
        let mut up = holdfast(dir);
        up.args(["up", "--headless", "--dir", "group", "--replicas", "1"]);
        let up = up
            .arg(format!("--base-port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let group = Self {
            up: up.spawn().unwrap(),
            port,
        };
        let end = Instant::now() + Duration::from_secs(20);
        // A group that forms may close its clients' connections once more.
        while !group.serves() || !Self::is_well(dir) {
            assert!(
                Instant::now() < end,
                "redis-0 does not answer, or not all is well"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        group
    }

    fn is_well(dir: &Path) -> bool {
        let status = holdfast(dir).args(["status", "--dir", "group"]).output();
        status.is_ok_and(|said| said.status.success())
    }

    fn serves(&self) -> bool {
        let stream = std::net::TcpStream::connect(("127.0.0.1", self.port));
        stream.is_ok_and(|mut stream| {
            let mut answer = [0; 5];
            stream.write_all(b"PING\r\n").is_ok()
                && stream.read_exact(&mut answer).is_ok()
                && answer == *b"+PONG"
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.up.kill();
        let _ = self.up.wait();
    }
}

#[test]
fn what_is_meant_must_be_clear() {
    let setting = Setting::start(&["one", "two"]);
    for (args, text) in [
        (
            vec!["status"],
            "namespace ns holds several releases; name one with --release: one, two",
        ),
        (
            vec!["status", "--release", "three"],
            "no release of Holdfast is called three in namespace ns; there is one, two",
        ),
        (
            vec!["status", "-n", "empty"],
            "no release of Holdfast runs in namespace empty",
        ),
        (vec!["status", "--context", "nowhere"], "no cluster to ask"),
        (
            vec!["status", "--kubeconfig", "/no/such/file"],
            "no cluster to ask",
        ),
    ] {
        let output = setting.kubectl(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(text), "{args:?}: {}", said(&output));
        assert_eq!(
            said(&output).lines().count(),
            1,
            "{args:?}: {}",
            said(&output)
        );
    }
}
