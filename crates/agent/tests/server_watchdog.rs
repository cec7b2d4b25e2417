//! The dead man's switch, on real processes: this test binary starts itself again as watchdog and as agent.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server_support;

use holdfast_agent::server::stat::ProcessId;
use holdfast_agent::server::watchdog::boottime_ns;
use holdfast_agent::server::{Server, Watchdog, WatchdogCommand, watchdog};
use nix::sys::signal::Signal;
use server_support::{Node0, PASSWORD, options, signal, version, wait_for};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

const MS: u64 = 1_000_000;

/// The watchdog process: `run` reads all that it needs from stdin.
#[test]
fn helper_watchdog() {
    if std::env::var_os("HOLDFAST_TEST_WATCHDOG").is_some() {
        let code = watchdog::run();
        std::process::exit(i32::from(code == std::process::ExitCode::FAILURE));
    }
}

fn command() -> WatchdogCommand {
    // Only children see it: every test sets the same value.
    let exe = std::env::current_exe().unwrap();
    WatchdogCommand {
        program: "/usr/bin/env".into(),
        args: [
            "HOLDFAST_TEST_WATCHDOG=1",
            exe.to_str().unwrap(),
            "helper_watchdog",
            "--exact",
            "--nocapture",
        ]
        .map(str::to_owned)
        .to_vec(),
    }
}

fn watch(node: &Node0) -> Watchdog {
    Watchdog::spawn(command(), node.server.id(), node.server.socket(), PASSWORD).unwrap()
}

/// A client's write, straight to the server's port.
fn write(port: u16) -> String {
    let Ok(mut client) = TcpStream::connect(("127.0.0.1", port)) else {
        return "no connection".to_owned();
    };
    client
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let mut said = [0; 256];
    let length = client
        .write_all(b"SET a 1\r\n")
        .and_then(|()| client.read(&mut said))
        .unwrap_or(0);
    String::from_utf8_lossy(&said[..length]).into_owned()
}

/// Writes until one is not acknowledged; returns when the last acknowledgement came. A first write without one (the
/// machine was too busy) says nothing: the end of time.
fn last_acknowledged(port: u16) -> u64 {
    let mut last = u64::MAX;
    let started = Instant::now();
    while write(port).starts_with("+OK") {
        last = boottime_ns();
        assert!(started.elapsed() < Duration::from_secs(5), "still open");
    }
    last
}

/// A busy machine holds up the test itself: the best of three rounds shows what the watchdog does.
const ROUNDS: usize = 3;

#[tokio::test]
async fn writes_end_with_the_deadline_unless_it_is_renewed() {
    let mut node = Node0::start().await;
    let mut watchdog = watch(&node);
    node.reign().await;
    let port = node.address().port;
    // Renewed for a second, every time with 500 ms: a loaded machine may hold up the test itself.
    for _ in 0..20 {
        watchdog
            .set_deadline(Some(boottime_ns() + 500 * MS))
            .unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(write(port).starts_with("+OK"));
    }
    let mut late_ms = u64::MAX;
    for _ in 0..ROUNDS {
        let deadline = boottime_ns() + 150 * MS;
        watchdog.set_deadline(Some(deadline)).unwrap();
        node.link.open().await.unwrap();
        late_ms = late_ms.min(last_acknowledged(port).saturating_sub(deadline) / MS);
        assert!(node.link.replication().await.unwrap().fenced);
    }
    eprintln!("the last write was {late_ms} ms after the deadline");
    assert!(late_ms <= 50, "{late_ms}");
    // The lease comes back, the agent opens the server again.
    watchdog
        .set_deadline(Some(boottime_ns() + 5_000 * MS))
        .unwrap();
    node.link.open().await.unwrap();
    assert!(write(port).starts_with("+OK"));
    // No lease, nothing to guard: the server is left as it is.
    watchdog.set_deadline(None).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(node.server.death().is_none());
}

#[tokio::test]
async fn clients_killed_and_connections_full_do_not_disarm_it() {
    let mut node = Node0::start_with("maxclients 24\ntimeout 1").await;
    let mut watchdog = watch(&node);
    node.reign().await;
    watchdog
        .set_deadline(Some(boottime_ns() + 60_000 * MS))
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    node.kill_clients().await;
    let deadline = boottime_ns() + 50 * MS;
    watchdog.set_deadline(Some(deadline)).unwrap();
    tokio::time::sleep(Duration::from_millis(120)).await;
    let fenced = node
        .link
        .replication()
        .await
        .map(|replication| replication.fenced);
    assert_eq!(fenced, Ok(true), "it came in again");
    assert!(node.server.death().is_none());
}

#[tokio::test]
async fn a_server_that_cannot_be_fenced_is_killed() {
    let mut node = Node0::start().await;
    let mut watchdog = watch(&node);
    node.reign().await;
    watchdog
        .set_deadline(Some(boottime_ns() + 200 * MS))
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    signal(node.server.pid(), Signal::SIGSTOP);
    let at = Instant::now();
    let death = tokio::time::timeout(Duration::from_secs(3), node.server.died())
        .await
        .unwrap();
    eprintln!("killed {:?} after the stop, {death}", at.elapsed());
    assert!(at.elapsed() < Duration::from_secs(1), "{:?}", at.elapsed());
}

#[tokio::test]
async fn a_watchdog_that_dies_or_freezes_is_replaced() {
    let mut node = Node0::start().await;
    let mut watchdog = watch(&node);
    node.reign().await;
    let first = watchdog.pid();
    signal(first, Signal::SIGKILL);
    // The next renewal after its death, or the one after that, finds it gone.
    while watchdog.pid() == first {
        watchdog
            .set_deadline(Some(boottime_ns() + 100 * MS))
            .unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    last_acknowledged(node.address().port);
    // Frozen: its pipe fills up, it is replaced, and the server lives.
    let second = watchdog.pid();
    signal(second, Signal::SIGSTOP);
    // The kernel may take a tick of its scheduler to stop every thread; until then deadlines are still read.
    let stopped = || {
        std::fs::read_to_string(format!("/proc/{second}/stat"))
            .is_ok_and(|stat| stat.contains(") T "))
    };
    wait_for("its stop", Duration::from_secs(2), stopped);
    for _ in 0..5_000 {
        watchdog
            .set_deadline(Some(boottime_ns() + 1_000 * MS))
            .unwrap();
        if watchdog.pid() != second {
            break;
        }
    }
    assert_ne!(watchdog.pid(), second);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(node.server.death().is_none());
}

#[tokio::test]
async fn a_watchdog_ends_with_its_server_and_hides_the_secret() {
    let node = Node0::start().await;
    let watchdog = watch(&node);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let proc = format!("/proc/{}", watchdog.pid());
    let shown = [
        std::fs::read(format!("{proc}/cmdline")),
        std::fs::read(format!("{proc}/environ")),
    ];
    for text in shown.into_iter().flatten() {
        assert!(!String::from_utf8_lossy(&text).contains(PASSWORD));
    }
    node.server.kill();
    node.server.released().await;
    let ended = || {
        std::fs::read_to_string(format!("{proc}/stat")).map_or(true, |stat| stat.contains(") Z"))
    };
    wait_for("its end", Duration::from_secs(2), ended);
}

/// An agent for the next tests: a primary under a lease that it renews for 300 ms every 50 ms.
#[tokio::test]
async fn helper_agent() {
    let Ok(home) = std::env::var("HOLDFAST_TEST_AGENT") else {
        return;
    };
    let home = Path::new(&home);
    let options = options(home);
    let (sender, mut events) = mpsc::channel(4);
    let server = Server::start(&options, &version(), PASSWORD, sender).unwrap();
    let mut watchdog = Watchdog::spawn(command(), server.id(), server.socket(), PASSWORD).unwrap();
    events.recv().await.unwrap();
    let mut link = server.link();
    link.promote().await.unwrap();
    link.open().await.unwrap();
    std::fs::write(
        home.join("new"),
        format!(
            "{} {} {}",
            server.pid(),
            watchdog.pid(),
            options.listen.port
        ),
    )
    .unwrap();
    for round in 0..200 {
        watchdog
            .set_deadline(Some(boottime_ns() + 300 * MS))
            .unwrap();
        if round == 1 {
            std::fs::rename(home.join("new"), home.join("ready")).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Agent {
    process: Child,
    server: u32,
    watchdog: u32,
    port: u16,
    _home: TempDir,
}

impl Agent {
    fn start() -> Self {
        let home = TempDir::new().unwrap();
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["helper_agent", "--exact", "--test-threads=1"])
            .env("HOLDFAST_TEST_AGENT", home.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let ready = home.path().join("ready");
        wait_for("the agent's start", Duration::from_secs(5), || {
            ready.exists()
        });
        let text = std::fs::read_to_string(ready).unwrap();
        let numbers: Vec<u32> = text.split(' ').map(|word| word.parse().unwrap()).collect();
        Self {
            process,
            server: numbers[0],
            watchdog: numbers[1],
            port: numbers[2] as u16,
            _home: home,
        }
    }

    fn gone(pid: u32) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .map_or(true, |stat| stat.contains(") Z"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_frozen_agent_cannot_keep_its_server_open() {
    let mut open_ms = u64::MAX;
    for _ in 0..ROUNDS {
        let agent = Agent::start();
        assert!(write(agent.port).starts_with("+OK"));
        signal(agent.process.id(), Signal::SIGSTOP);
        let frozen = boottime_ns();
        open_ms = open_ms.min(last_acknowledged(agent.port).saturating_sub(frozen) / MS);
    }
    eprintln!("open for {open_ms} ms after the freeze, the lease being 300 ms");
    assert!(open_ms <= 350, "{open_ms}");
}

#[test]
fn a_frozen_agent_with_a_frozen_server_ends_in_a_dead_server() {
    let agent = Agent::start();
    signal(agent.process.id(), Signal::SIGSTOP);
    signal(agent.server, Signal::SIGSTOP);
    wait_for("the server's death", Duration::from_secs(3), || {
        Agent::gone(agent.server)
    });
}

#[test]
fn a_dead_agent_takes_its_server_and_its_watchdog_along() {
    let mut agent = Agent::start();
    agent.process.kill().unwrap();
    let took = wait_for("the server's death", Duration::from_secs(2), || {
        Agent::gone(agent.server)
    });
    eprintln!("the server was dead after {took:?}");
    assert!(took < Duration::from_millis(500), "{took:?}");
    wait_for("the watchdog's end", Duration::from_secs(2), || {
        Agent::gone(agent.watchdog)
    });
}

/// Holds a watchdog over somebody else's server until it is killed.
#[tokio::test]
async fn helper_holder() {
    let Ok(server) = std::env::var("HOLDFAST_TEST_HELD") else {
        return;
    };
    let (pid, socket) = server.split_once(' ').unwrap();
    let id = ProcessId::of(pid.parse().unwrap()).unwrap();
    let mut watchdog = Watchdog::spawn(command(), id, Path::new(socket), PASSWORD).unwrap();
    loop {
        watchdog
            .set_deadline(Some(boottime_ns() + 10_000 * MS))
            .unwrap();
        println!("held");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The server's parent lives on here, so the kernel does not end it: the watchdog must.
#[tokio::test]
async fn the_end_of_its_pipe_is_enough() {
    let node = Node0::start().await;
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args([
            "helper_holder",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(
            "HOLDFAST_TEST_HELD",
            format!("{} {}", node.server.pid(), node.server.socket().display()),
        )
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("held")));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(node.server.death().is_none());
    let at = Instant::now();
    holder.kill().unwrap();
    holder.wait().unwrap();
    tokio::time::timeout(Duration::from_secs(2), node.server.died())
        .await
        .unwrap();
    eprintln!("the server was dead after {:?}", at.elapsed());
}
