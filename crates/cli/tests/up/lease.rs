//! A lease that is lost for a moment: clients find no server, and are never refused a write.

use crate::group::{Up, eventually, primary, redis, signal, small};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::tempdir;

/// What a client saw that connects again whenever its connection ends.
#[derive(Default)]
struct Seen {
    written: u64,
    disconnected: u64,
    refusals: Vec<String>,
}

fn open(address: &str) -> Option<TcpStream> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    Some(stream)
}

fn increment(stream: &mut TcpStream) -> Option<String> {
    let mut said = [0; 256];
    stream.write_all(b"INCR n\r\n").ok()?;
    let length = stream.read(&mut said).ok().filter(|length| *length > 0)?;
    Some(String::from_utf8_lossy(&said[..length]).into_owned())
}

fn writer(address: &str, stop: &Arc<AtomicBool>) -> JoinHandle<Seen> {
    let (address, stop) = (address.to_owned(), Arc::clone(stop));
    std::thread::spawn(move || {
        let (mut seen, mut stream) = (Seen::default(), None);
        while !stop.load(Ordering::Relaxed) {
            stream = stream.or_else(|| open(&address));
            match stream.as_mut().map(increment) {
                Some(Some(number)) if number.starts_with(':') => seen.written += 1,
                Some(Some(refusal)) => seen.refusals.push(refusal),
                Some(None) => {
                    seen.disconnected += 1;
                    stream = None;
                }
                None => {}
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        seen
    })
}

/// Two of three sentinels stand still, or go on.
fn tell_two(up: &Up, what: &str) {
    let manifest = up.manifest();
    for i in [1, 2] {
        let pid = manifest["sentinels"][i]["pid"].as_i64().unwrap();
        signal(what, pid as i32);
    }
}

#[test]
fn a_lease_that_is_lost_for_a_moment_costs_connections_and_no_refusal() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    let address = primary(&up);
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4).map(|_| writer(&address, &stop)).collect();
    for _ in 0..3 {
        tell_two(&up, "-STOP");
        std::thread::sleep(Duration::from_millis(900));
        tell_two(&up, "-CONT");
        eventually("it serves", || {
            TcpStream::connect(&address).is_ok() && redis(&address, "SET k v").starts_with("+OK")
        });
        std::thread::sleep(Duration::from_millis(300));
    }
    stop.store(true, Ordering::Relaxed);
    let mut written = 0;
    for writer in writers {
        let seen = writer.join().unwrap();
        assert_eq!(seen.refusals, Vec::<String>::new());
        assert!(seen.disconnected >= 3, "{} times", seen.disconnected);
        written += seen.written;
    }
    let reply = redis(&address, "GET n");
    let kept = reply.lines().nth(1).and_then(|n| n.parse::<u64>().ok());
    assert!(
        kept.is_some_and(|kept| kept >= written),
        "{reply} of {written}"
    );
    let decisions = up.status()["decisions"].to_string();
    assert!(
        decisions.contains("to writes: no majority of sentinels"),
        "{decisions}"
    );
}

#[test]
fn without_sentinels_reads_go_on_and_writes_are_refused() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    let address = primary(&up);
    assert!(redis(&address, "SET k v").starts_with("+OK"));
    tell_two(&up, "-STOP");
    std::thread::sleep(Duration::from_millis(700));
    assert!(TcpStream::connect(&address).is_err(), "it finds no server");
    eventually("it may be read", || TcpStream::connect(&address).is_ok());
    assert!(redis(&address, "GET k").starts_with("$1"));
    assert!(redis(&address, "SET k w").starts_with("-NOREPLICAS"));
    tell_two(&up, "-CONT");
    eventually("it serves", || {
        redis(&address, "SET k w").starts_with("+OK")
    });
}
