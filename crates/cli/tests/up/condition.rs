//! A group whose primary lives and does not serve.

use crate::group::{Up, eventually, own_base_port, primary, redis, small};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tempfile::tempdir;

/// A little more than the 5 s after which redis-server says `-BUSY`.
const LIMIT: Duration = Duration::from_secs(6);

/// Sends a command and waits for nothing; the connection has to live on.
fn send(address: &str, command: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(format!("{command}\r\n").as_bytes())
        .unwrap();
    stream
}

fn state_of_primary(up: &Up) -> String {
    let status = up.status();
    let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
    let mut rules = nodes
        .iter()
        .filter(|node| node["name"] == status["primary"]);
    rules
        .next()
        .and_then(|node| node["state"].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn doctor_says(up: &Up) -> String {
    String::from_utf8_lossy(&up.doctor().stdout).into_owned()
}

/// Time from now until a write is taken, wherever the primary is then.
fn until_written(up: &Up) -> Duration {
    let began = Instant::now();
    eventually("a write", || {
        redis(&primary(up), "SET k v").starts_with("+OK")
    });
    began.elapsed()
}

#[test]
fn scripts_without_an_end_are_named_and_ended() {
    let dir = tempdir().unwrap();
    let limit = LIMIT.as_secs().to_string();
    let up = small(&dir, &["--script-limit-seconds", &limit]);
    up.settled();
    let first = primary(&up);
    assert!(redis(&first, "SET kept yes").starts_with("+OK"));
    let script = send(&first, "EVAL \"while true do end\" 0");
    eventually("it is seen", || state_of_primary(&up) == "busy");
    let doctor = doctor_says(&up);
    assert!(
        doctor.contains("node-busy") && doctor.contains("script_limit_seconds"),
        "{doctor}"
    );
    let took = until_written(&up);
    assert!(took < LIMIT, "{took:?}");
    assert_eq!(primary(&up), first, "ended, not replaced");
    drop(script);
    up.settled();

    let began = Instant::now();
    let _script = send(
        &first,
        "EVAL \"redis.call('set','x','1') while true do end\" 0",
    );
    std::thread::sleep(Duration::from_millis(200));
    until_written(&up);
    let took = began.elapsed();
    eprintln!(
        "a script that had written: {took:?} until the next write, of which its limit is {LIMIT:?}"
    );
    assert!(
        took >= LIMIT && took < LIMIT + Duration::from_secs(4),
        "{took:?}"
    );
    let other = primary(&up);
    assert_ne!(other, first);
    assert!(redis(&other, "GET kept").contains("yes"));
    assert!(
        redis(&other, "GET x").starts_with("$-1"),
        "what the script wrote was never promised"
    );
    up.settled();
}

#[test]
fn a_pause_by_a_client_is_named_and_waited_out() {
    let dir = tempdir().unwrap();
    let port = own_base_port().to_string();
    let up = Up::ready(dir.path(), &["--replicas", "1", "--base-port", &port]);
    up.settled();
    let (first, pid) = (primary(&up), up.server_pid(0));
    assert!(redis(&first, "CLIENT PAUSE 5000 ALL").starts_with("+OK"));
    eventually("it is seen", || state_of_primary(&up) == "paused");
    let doctor = doctor_says(&up);
    assert!(
        doctor.contains("node-paused") && doctor.contains("CLIENT PAUSE"),
        "{doctor}"
    );
    until_written(&up);
    assert_eq!(
        (primary(&up), up.server_pid(0)),
        (first, pid),
        "nobody was killed"
    );
    up.settled();
}
