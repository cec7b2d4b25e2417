//! Start, death, hang and stop of real servers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server_support;

use holdfast_agent::server::hang::Activity;
use holdfast_agent::server::{
    Death, DeathReason, Event, LinkError, Server, StartError, Stopped, Watch,
};
use nix::sys::signal::Signal;
use server_support::{Node0, PASSWORD, options, signal, version, wait_for};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

async fn death(node: &mut Node0) -> Death {
    match node.event().await {
        Event::Died(death) => death,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_crash_is_seen_within_milliseconds_with_its_reason() {
    let mut node = Node0::start().await;
    node.server.set_watch(Watch::Vigilant);
    tokio::time::sleep(Duration::from_millis(30)).await;
    let run_id = node.link.info().await.unwrap().run_id;
    let at = Instant::now();
    signal(node.server.pid(), Signal::SIGKILL);
    let death = death(&mut node).await;
    assert!(
        at.elapsed() < Duration::from_millis(60),
        "{:?}",
        at.elapsed()
    );
    assert_eq!(
        (death.reason, death.run_id),
        (DeathReason::Signal(9), Some(run_id))
    );
    assert_eq!(
        node.server.death().map(|death| death.reason),
        Some(DeathReason::Signal(9))
    );
    node.server.released().await;
    assert!(
        !Path::new(&format!("/proc/{}", node.server.pid())).exists(),
        "reaped"
    );
}

#[tokio::test]
async fn a_large_server_is_reported_dead_long_before_it_has_gone() {
    let mut node = Node0::start_with("save \"\"\nappendonly no").await;
    node.server.set_watch(Watch::Vigilant);
    node.reign().await;
    let fill = "for i=1,400 do redis.call('set', i, string.rep('x', 1048576)) end return 1";
    let mut filler = node.server.link().with_patience(Duration::from_secs(30));
    filler.command(&["EVAL", fill, "0"]).await.unwrap();
    assert!(node.link.info().await.unwrap().used_memory > 400 << 20);
    let at = Instant::now();
    signal(node.server.pid(), Signal::SIGKILL);
    let death = death(&mut node).await;
    let seen = at.elapsed();
    node.server.released().await;
    eprintln!(
        "400 MiB: seen after {seen:?}, released after {:?}",
        at.elapsed()
    );
    assert_eq!(death.reason, DeathReason::Signal(9));
    assert!(seen < Duration::from_millis(60), "{seen:?}");
}

#[tokio::test]
async fn a_stopped_server_is_hung_soon_and_recovers() {
    let mut node = Node0::start().await;
    node.server.set_watch(Watch::Vigilant);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let at = Instant::now();
    signal(node.server.pid(), Signal::SIGSTOP);
    let event = node.event().await;
    let Event::Hung {
        activity: Activity::Stopped,
        silent_ms,
        ..
    } = event
    else {
        panic!("{event:?}")
    };
    assert!((60..=120).contains(&silent_ms), "{silent_ms}");
    assert!(
        at.elapsed() < Duration::from_millis(200),
        "{:?}",
        at.elapsed()
    );
    signal(node.server.pid(), Signal::SIGCONT);
    assert_eq!(
        node.event().await,
        Event::Recovered {
            pid: node.server.pid()
        }
    );
    signal(node.server.pid(), Signal::SIGSTOP);
    assert!(matches!(node.event().await, Event::Hung { .. }));
    node.server.kill();
    assert_eq!(death(&mut node).await.reason, DeathReason::Killed);
}

#[tokio::test]
async fn a_sleeping_server_is_hung_later_and_a_busy_one_is_not() {
    let mut node = Node0::start_with("lua-time-limit 60000\nenable-debug-command yes").await;
    node.server.set_watch(Watch::Vigilant);
    node.reign().await;
    let mut other = node.server.link().with_patience(Duration::from_millis(50));
    // About a second of work: no event.
    let _ = other
        .command(&["EVAL", "for i = 1, 200000000 do end", "0"])
        .await;
    let busy = other.ping().await;
    assert!(busy.is_err(), "too short a script: {busy:?}");
    let mut patient = node.server.link().with_patience(Duration::from_secs(20));
    patient.ping().await.unwrap();
    assert!(node.events.try_recv().is_err(), "busy is not hung");
    // Three seconds asleep in the middle of the event loop.
    let asleep = other.command(&["DEBUG", "SLEEP", "3"]).await;
    assert_eq!(asleep, Err(LinkError::Timeout(50)));
    let event = node.event().await;
    assert!(
        matches!(
            event,
            Event::Hung {
                activity: Activity::Sleeping,
                ..
            }
        ),
        "{event:?}"
    );
    assert_eq!(
        node.event().await,
        Event::Recovered {
            pid: node.server.pid()
        }
    );
}

#[tokio::test]
async fn losing_its_clients_does_not_make_it_hung() {
    let mut node = Node0::start().await;
    node.server.set_watch(Watch::Vigilant);
    for _ in 0..20 {
        node.kill_clients().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(node.events.try_recv().is_err());
}

#[tokio::test]
async fn a_stop_in_order_saves_and_a_stuck_one_is_killed() {
    let mut node = Node0::start_with("appendonly no\nsave 3600 1").await;
    node.reign().await;
    node.set("a", "1").await.unwrap();
    assert_eq!(
        node.server.stop(Duration::from_secs(5)).await,
        Stopped::Clean
    );
    assert_eq!(death(&mut node).await.reason, DeathReason::Exit(0));
    assert!(node.options.data_dir.join("dump.rdb").exists());

    let node = Node0::start().await;
    signal(node.server.pid(), Signal::SIGSTOP);
    let at = Instant::now();
    assert!(matches!(
        node.server.stop(Duration::from_millis(300)).await,
        Stopped::Killed(_)
    ));
    assert!(at.elapsed() < Duration::from_secs(1));
    node.server.released().await;
}

#[tokio::test]
async fn dropping_a_server_kills_it() {
    let node = Node0::start().await;
    let pid = node.server.pid();
    drop(node.server);
    tokio::time::timeout(Duration::from_secs(2), async {
        while Path::new(&format!("/proc/{pid}")).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn secrets_stay_off_the_command_line_and_out_of_others_sight() {
    let node = Node0::start().await;
    let line = std::fs::read(format!("/proc/{}/cmdline", node.server.pid())).unwrap();
    assert!(!String::from_utf8_lossy(&line).contains(PASSWORD));
    let conf = node.options.dir.join("server.conf");
    assert_eq!(
        std::fs::metadata(&conf).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        std::fs::metadata(&node.options.dir)
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
}

#[tokio::test]
async fn a_bad_line_of_the_operators_is_named() {
    let home = TempDir::new().unwrap();
    let mut options = options(home.path());
    std::fs::write(home.path().join("my.conf"), "no-such-key 5").unwrap();
    options.redis_conf = Some(home.path().join("my.conf"));
    let (sender, mut events) = mpsc::channel(4);
    let server = Server::start(&options, &version(), PASSWORD, sender).unwrap();
    let Some(Event::Died(death)) = events.recv().await else {
        panic!("it cannot run")
    };
    assert_eq!(death.reason, DeathReason::Exit(1));
    assert!(
        death
            .said
            .as_ref()
            .is_some_and(|said| said.contains("no-such-key")),
        "{death}"
    );
    server.released().await;
}

fn refused(options: &holdfast_agent::Options) -> StartError {
    let (sender, _events) = mpsc::channel(4);
    Server::start(options, &version(), PASSWORD, sender).expect_err("must not start")
}

#[tokio::test]
async fn what_cannot_work_is_one_line_and_leaves_nothing() {
    let home = TempDir::new().unwrap();
    let good = options(home.path());
    let one_line = |error: &StartError, part: &str| {
        let text = error.to_string();
        assert!(text.contains(part) && !text.contains('\n'), "{text}");
    };

    let taken = TcpListener::bind(("127.0.0.1", good.listen.port)).unwrap();
    one_line(
        &refused(&good),
        "stop what listens there or choose another port",
    );
    assert!(!good.dir.join("server.conf").exists());
    drop(taken);

    let file_in_the_way = home.path().join("file");
    std::fs::write(&file_in_the_way, "").unwrap();
    let mut options = good.clone();
    options.data_dir = file_in_the_way.join("data");
    one_line(&refused(&options), "cannot create the directory");

    let mut options = good.clone();
    options.redis_conf = Some(home.path().join("missing.conf"));
    one_line(&refused(&options), "missing.conf");

    let mut options = good;
    std::fs::write(home.path().join("empty"), "\n").unwrap();
    options.client_password_file = Some(home.path().join("empty"));
    one_line(&refused(&options), "holds no password");
}

#[tokio::test]
async fn the_client_password_is_asked_for() {
    use std::io::{Read, Write};
    let home = TempDir::new().unwrap();
    let mut options = options(home.path());
    std::fs::write(home.path().join("clients"), "let me in\n").unwrap();
    options.client_password_file = Some(home.path().join("clients"));
    let node = Node0::start_in(home, options).await;
    let mut client = std::net::TcpStream::connect(("127.0.0.1", node.address().port)).unwrap();
    client
        .write_all(b"PING\r\nAUTH \"let me in\"\r\nPING\r\n")
        .unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut said = String::new();
    client.read_to_string(&mut said).unwrap();
    assert!(
        said.starts_with("-NOAUTH") && said.ends_with("+OK\r\n+PONG\r\n"),
        "{said}"
    );
}

/// The agent of the next test: starts a server in the directory that it is given and waits to be killed.
#[tokio::test]
async fn helper_agent() {
    let Ok(home) = std::env::var("HOLDFAST_TEST_AGENT") else {
        return;
    };
    let (sender, _events) = mpsc::channel(4);
    let server = Server::start(&options(Path::new(&home)), &version(), PASSWORD, sender).unwrap();
    std::fs::write(Path::new(&home).join("pid.new"), server.pid().to_string()).unwrap();
    std::fs::rename(
        Path::new(&home).join("pid.new"),
        Path::new(&home).join("pid"),
    )
    .unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
}

#[test]
fn the_server_dies_with_its_agent() {
    let home = TempDir::new().unwrap();
    let mut agent = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["helper_agent", "--exact", "--test-threads=1"])
        .env("HOLDFAST_TEST_AGENT", home.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid_file = home.path().join("pid");
    wait_for("the server's start", Duration::from_secs(5), || {
        pid_file.exists()
    });
    let proc = format!("/proc/{}/stat", std::fs::read_to_string(&pid_file).unwrap());
    assert!(Path::new(&proc).exists());
    agent.kill().unwrap();
    let dead = || std::fs::read_to_string(&proc).map_or(true, |stat| stat.contains(") Z"));
    let took = wait_for("the server's death", Duration::from_secs(2), dead);
    eprintln!("the server died {took:?} after its agent");
    agent.wait().unwrap();
}
