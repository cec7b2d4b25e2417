//! Real servers for tests: free ports, one temporary directory each, gone at the end.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use holdfast_agent::Options;
use holdfast_agent::server::{Event, Link, Server, Version};
use holdfast_core::names::{Address, Cluster, Group, Node};
use holdfast_core::record::Durability;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

pub const PASSWORD: &str = "a test's internal password";

/// The server under test: `HOLDFAST_TEST_SERVER`, or redis-server.
pub fn version() -> Version {
    let server =
        std::env::var("HOLDFAST_TEST_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
    Version::detect(Path::new(&server)).expect("a server to test with")
}

/// Ports that nobody used a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

pub struct Node0 {
    pub options: Options,
    pub server: Server,
    pub events: mpsc::Receiver<Event>,
    pub link: Link,
    pub home: TempDir,
}

pub fn options(home: &Path) -> Options {
    Options {
        name: Node::from("redis-0"),
        group: Group::from("mymaster"),
        cluster: Cluster::from("test"),
        secret_file: home.join("secret"),
        dir: home.join("agent"),
        data_dir: home.join("data"),
        server: "redis-server".into(),
        listen: Address::new("127.0.0.1", free_port()),
        durability: Durability::Async,
        announce: None,
        sentinels: Vec::new(),
        redis_conf: None,
        client_password_file: None,
        acl_file: None,
        tls_cert_file: None,
        tls_key_file: None,
        tls_ca_file: None,
        tls_client_auth: false,
        memory_limit_bytes: 1 << 30,
        adopt: false,
        priority: 100,
        restart: true,
        stop_seconds: 5,
        script_limit_seconds: 10,
        http: None,
    }
}

impl Node0 {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts a server with these lines of redis.conf and waits for its first answer.
    pub async fn start_with(conf: &str) -> Self {
        let home = TempDir::new().expect("a directory");
        let mut options = options(home.path());
        std::fs::write(home.path().join("my.conf"), conf).expect("a redis.conf");
        options.redis_conf = Some(home.path().join("my.conf"));
        Self::start_in(home, options).await
    }

    pub async fn start_in(home: TempDir, options: Options) -> Self {
        let (sender, events) = mpsc::channel(16);
        let server = Server::start(&options, &version(), PASSWORD, sender).expect("a server");
        let link = server.link();
        let mut node = Self {
            options,
            server,
            events,
            link,
            home,
        };
        let event = node.event().await;
        assert!(matches!(event, Event::Up { .. }), "{event:?}");
        node
    }

    /// Stops this one in order and starts another on the same files.
    pub async fn restart(self) -> Self {
        let Self {
            options,
            server,
            home,
            ..
        } = self;
        server.stop(Duration::from_secs(5)).await;
        server.released().await;
        Self::start_in(home, options).await
    }

    /// The next event, within 10 s.
    pub async fn event(&mut self) -> Event {
        tokio::time::timeout(Duration::from_secs(10), self.events.recv())
            .await
            .expect("an event in time")
            .expect("a watch")
    }

    pub fn address(&self) -> &Address {
        &self.options.listen
    }

    /// Disconnects all clients but this one; replicas stay.
    pub async fn kill_clients(&mut self) {
        for kind in ["normal", "pubsub"] {
            let kill = ["CLIENT", "KILL", "TYPE", kind];
            self.link.command(&kill).await.expect("an answer");
        }
    }

    /// Makes it a primary that takes writes.
    pub async fn reign(&mut self) {
        self.link.promote().await.expect("promoted");
        self.link.open().await.expect("opened");
    }

    pub async fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        self.link
            .command(&["SET", key, value])
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }

    pub async fn get(&mut self, key: &str) -> Option<String> {
        let value = self.link.command(&["GET", key]).await.expect("an answer");
        value.as_str().map(str::to_owned)
    }

    /// Follows and waits until the copy is there and level.
    pub async fn follow_and_catch_up(&mut self, primary: &mut Node0) {
        self.link.follow(primary.address()).await.expect("follows");
        self.catch_up(primary).await;
    }

    pub async fn catch_up(&mut self, primary: &mut Node0) {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let (mine, theirs) = (
                self.link.replication().await,
                primary.link.replication().await,
            );
            if let (Ok(mine), Ok(theirs)) = (mine, theirs)
                && mine.link_up
                && mine.offset == theirs.offset
                && mine.replid == theirs.replid
            {
                return;
            }
            assert!(Instant::now() < until, "no copy in time");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A number of its INFO.
    pub async fn count(&mut self, field: &str) -> u64 {
        let info = self.link.command(&["INFO", "stats"]).await.expect("INFO");
        let text = info.as_str().expect("text");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
            .expect("the field");
        line.parse().expect("a number")
    }
}

/// Waits until something holds, at most this long; returns how long it took.
pub fn wait_for(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < patience,
            "{what}: not within {patience:?}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    started.elapsed()
}

pub fn signal(pid: u32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), signal)
        .expect("the process exists");
}
