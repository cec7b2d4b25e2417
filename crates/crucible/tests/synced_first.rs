//! What `fsync` durability rests on: a redis-server with `appendfsync always` syncs its append-only file before it answers,
//! and before it acknowledges to its primary. Shown on each server that is installed, by slowing its disk down. With
//! `everysec` the same test finds that it does neither.

#![allow(clippy::unwrap_used)]

use holdfast_crucible::client::connection::{Connection, ask};
use holdfast_crucible::target::Interposer;
use holdfast_crucible::target::interposer::Orders;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How much longer a sync takes; an answer that is there sooner did not wait for it.
const SLOW: Duration = Duration::from_millis(150);
const LIMIT: Duration = Duration::from_secs(10);
/// A replica acknowledges in two ways: when asked, and once a second. So many writes, spread over seconds, meet both.
const WRITES: usize = 20;

struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    async fn start(
        program: &str,
        policy: &str,
        shim: &Interposer,
        dir: &Path,
        of: Option<&Self>,
    ) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let dir = dir.join(&port);
        std::fs::create_dir(&dir).unwrap();
        let mut command = Command::new(program);
        command.args([
            "--port",
            &port,
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            policy,
        ]);
        command.args([
            "--no-appendfsync-on-rewrite",
            "no",
            "--repl-diskless-sync-delay",
            "0",
            "--dir",
        ]);
        command
            .arg(&dir)
            .envs(shim.environment())
            .stdout(Stdio::null());
        if let Some(primary) = of {
            let (host, port) = primary.address.split_once(':').unwrap();
            command.args(["--replicaof", host, port]);
        }
        let server = Self {
            child: command.spawn().unwrap(),
            address: format!("127.0.0.1:{port}"),
        };
        let began = Instant::now();
        while ask(&server.address, &["PING"], LIMIT).await.is_err() {
            assert!(began.elapsed() < LIMIT, "{program} does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(shim.reaches(server.child.id() as i32));
        server
    }

    /// Waits until its replica has written out its copy, and syncs what follows.
    async fn settled(&self, replica: &Self) {
        let began = Instant::now();
        loop {
            let mut link = Connection::open(&self.address, LIMIT).await.unwrap();
            link.call(&["SET", "k", "v"], LIMIT).await.unwrap();
            let heard = link.call(&["WAIT", "1", "100"], LIMIT).await.unwrap();
            let told = ask(&replica.address, &["INFO", "persistence"], LIMIT)
                .await
                .unwrap();
            let told = told.as_str().unwrap_or_default().to_owned();
            let busy = ["aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1"];
            if heard.as_integer() == Some(1) && !busy.iter().any(|busy| told.contains(busy)) {
                return;
            }
            assert!(began.elapsed() < LIMIT, "the replica has no copy");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The shortest time from a write to its answer on a primary with a slow disk; and to the acknowledgement of a replica with
/// a slow disk.
async fn soonest(program: &str, policy: &str) -> (Duration, Duration) {
    let dir = tempfile::tempdir().unwrap();
    let shim = Interposer::build(dir.path()).unwrap();
    let primary = Server::start(program, policy, &shim, dir.path(), None).await;
    let replica = Server::start(program, policy, &shim, dir.path(), Some(&primary)).await;
    primary.settled(&replica).await;
    let mut soonest = [Duration::MAX; 2];
    for (slow, wait) in [(&primary, false), (&replica, true)] {
        let pid = slow.child.id() as i32;
        shim.order(pid, Orders::slow_disk(SLOW)).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut client = Connection::open(&primary.address, LIMIT).await.unwrap();
        for number in 0..WRITES {
            let began = Instant::now();
            client
                .call(&["SET", "k", &number.to_string()], LIMIT)
                .await
                .unwrap();
            if wait {
                let heard = client.call(&["WAIT", "1", "5000"], LIMIT).await.unwrap();
                assert_eq!(heard.as_integer(), Some(1));
            }
            let least = &mut soonest[usize::from(wait)];
            *least = began.elapsed().min(*least);
            tokio::time::sleep(Duration::from_millis(20 + 17 * (number as u64 % 5))).await;
        }
        shim.relent(pid);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (soonest[0], soonest[1])
}

fn installed() -> Vec<&'static str> {
    let there = |program: &&str| Command::new(program).arg("--version").output().is_ok();
    let programs = ["redis-server", "valkey-server"];
    programs.into_iter().filter(there).collect()
}

#[tokio::test]
async fn always_means_before_the_answer_and_before_the_acknowledgement() {
    if let Some(why) = Interposer::obstacle() {
        println!("skipped: {why}");
        return;
    }
    let programs = installed();
    assert!(
        !programs.is_empty(),
        "these tests need redis-server in PATH"
    );
    for program in programs {
        let (answer, acknowledgement) = soonest(program, "always").await;
        println!("{program}: answer after {answer:?}, acknowledgement after {acknowledgement:?}");
        assert!(answer >= SLOW, "{program} answered after {answer:?}");
        assert!(
            acknowledgement >= SLOW,
            "{program} acknowledged after {acknowledgement:?}"
        );
        let (answer, acknowledgement) = soonest(program, "everysec").await;
        assert!(
            answer < SLOW && acknowledgement < SLOW,
            "the test cannot fail"
        );
    }
}
