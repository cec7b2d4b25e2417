//! The gate with TLS: real clients, real replicas, and those who are refused.

use crate::authority::{Authority, Secure, said};
use crate::blocking;
use crate::carry::handoffs_under_load;
use crate::client::{Client, text};
use crate::commands::all_work;
use crate::group::Group;
use crate::pair::Pair;
use crate::sizes::{deaf_clients_are_bounded, there_and_back};
use holdfast_agent::Options;
use holdfast_core::mutant::Mutant;
use holdfast_core::record::Durability;
use nix::sys::signal::Signal;
use rustix::net::{SendFlags, sockopt};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// A primary and replicas that speak TLS only.
pub async fn group(replicas: usize, set: &dyn Fn(&mut Options)) -> Group {
    let conf = "appendonly no\nsave \"\"";
    let start = Group::start_set(replicas, 1, Durability::Quorum, conf, Mutant::None, set);
    start.await
}

#[tokio::test]
async fn real_clients_and_a_replica_through_tls() {
    let authority = Authority::new();
    let mut group = group(1, &|options| authority.certify(options)).await;
    let port = group.primary.port();
    let cli = |args: &[&str]| said(authority.cli(port, args));
    blocking(|| {
        assert_eq!(cli(&["SET", "a", "1"]), "OK");
        assert_eq!(cli(&["GET", "a"]), "1");
        // A large value there and back, byte for byte, and bytes that no text holds.
        let (there, back) = (authority.file("there"), authority.file("back"));
        let mut random = vec![0; 64 << 20];
        File::open("/dev/urandom")
            .unwrap()
            .read_exact(&mut random)
            .unwrap();
        std::fs::write(&there, &random).unwrap();
        let mut set = authority.cli(port, &["-x", "SET", "large"]);
        set.stdin(File::open(&there).unwrap());
        assert_eq!(said(set), "OK");
        let mut get = authority.cli(port, &["--raw", "GET", "large"]);
        get.stdout(File::create(&back).unwrap());
        assert!(get.status().unwrap().success());
        let came = std::fs::read(&back).unwrap();
        assert!(came.len() == random.len() + 1 && came[..random.len()] == random);
        // A pipeline, without waiting for any answer.
        let mut pipeline = String::new();
        for number in 0..50_000 {
            let _ = writeln!(pipeline, "SET p{number} {number}\r");
        }
        std::fs::write(&there, pipeline).unwrap();
        let mut pipe = authority.cli(port, &["--pipe"]);
        pipe.stdin(File::open(&there).unwrap());
        assert!(said(pipe).contains("errors: 0, replies: 50000"));
        assert_eq!(cli(&["GET", "p49999"]), "49999");
    });
    let replica = &mut group.replicas[0].node;
    assert_eq!(replica.get("p49999").await.as_deref(), Some("49999"));
    let length = replica.link.command(&["STRLEN", "large"]).await.unwrap();
    assert_eq!(text(&length), (64 << 20).to_string());
    // Nothing else would have let it in.
    assert!(Client::connect(port).is_closed_to_plain());
}

impl Client {
    fn is_closed_to_plain(&mut self) -> bool {
        self.send(&["PING"]);
        let mut said = Vec::new();
        let _ = self.stream.read_to_end(&mut said);
        !said.starts_with(b"+PONG")
    }
}

#[tokio::test]
async fn replies_are_held_in_clear_and_go_out_when_they_are_released() {
    let authority = Authority::new();
    let group = group(1, &|options| authority.certify(options)).await;
    blocking(|| {
        let mut client = authority.client(group.primary.port());
        assert_eq!(client.text(&["SET", "a", "1"]), "OK");
        group.freeze();
        for number in 0..100 {
            client.send(&["INCRBY", "a", &number.to_string()]);
        }
        assert!(is_silent(&mut client, 500));
        group.thaw();
        let mut sum = 1;
        for number in 0..100 {
            sum += number;
            assert_eq!(text(&client.read()), sum.to_string());
        }
    });
}

/// Whether no byte comes for a while, not even one that means nothing.
fn is_silent(client: &mut Secure, for_ms: u64) -> bool {
    let socket = client.stream.get_ref();
    socket
        .set_read_timeout(Some(Duration::from_millis(for_ms)))
        .unwrap();
    let peeked = loop {
        match socket.peek(&mut [0]) {
            // A child was stopped.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            peeked => break peeked,
        }
    };
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[tokio::test]
async fn everything_works_as_in_clear() {
    let authority = Authority::new();
    let group = group(2, &|options| authority.certify(options)).await;
    blocking(|| all_work(&|| authority.client(group.primary.port())));
}

#[tokio::test]
async fn values_of_64_mib_and_512_mib_by_tls() {
    let authority = Authority::new();
    let group = group(1, &|options| authority.certify(options)).await;
    blocking(|| there_and_back(&|| authority.client(group.primary.port())));
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_no_more_than_its_bound_by_tls() {
    let authority = Authority::new();
    let group = group(1, &|options| authority.certify(options)).await;
    blocking(|| deaf_clients_are_bounded(&|| authority.client(group.primary.port())));
}

#[tokio::test]
async fn a_connection_ends_on_both_sides_whatever_its_last_words() {
    let authority = Authority::new();
    let group = group(1, &|options| authority.certify(options)).await;
    let port = group.primary.port();
    blocking(|| {
        let mut watcher = authority.client(port);
        let mut clients = || {
            watcher
                .text(&["CLIENT", "LIST"])
                .matches("user=default")
                .count()
        };
        until("alone", || clients() == 1);
        // One says goodbye, one does not, one is cut off within a record.
        let mut polite = authority.client(port);
        assert_eq!(polite.text(&["PING"]), "PONG");
        polite.stream.conn.send_close_notify();
        polite.stream.flush().unwrap();
        assert!(polite.is_closed());
        drop(authority.client(port));
        let mut cut = authority.client(port);
        assert_eq!(cut.text(&["PING"]), "PONG");
        // Its head and the end in one packet: the gate is rung once.
        let head_of_a_record = [23, 3, 3, 0, 99, 1, 2, 3];
        rustix::net::send(&cut.stream.sock, &head_of_a_record, SendFlags::MORE).unwrap();
        drop(cut);
        until("alone", || clients() == 1);
    });
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn many_clients_at_once() {
    let authority = Authority::new();
    let group = group(2, &|options| authority.certify(options)).await;
    let port = group.primary.port();
    blocking(|| {
        std::thread::scope(|scope| {
            for number in 0..100 {
                let authority = &authority;
                scope.spawn(move || {
                    let mut client = authority.client(port);
                    for round in 0..50 {
                        let key = format!("k{number}");
                        assert_eq!(client.text(&["SET", &key, &round.to_string()]), "OK");
                        assert_eq!(client.text(&["GET", &key]), round.to_string());
                    }
                });
            }
        });
    });
}

#[tokio::test]
async fn sessions_are_carried_over_tls() {
    let authority = Authority::new();
    let demands = |options: &mut Options| {
        authority.certify(options);
        options.tls_client_auth = true;
    };
    let mut pair = Pair::start_set(Mutant::None, &demands).await;
    let mut client = authority.client(pair.ruler().port());
    let (mut blocked, mut large) = (
        authority.client(pair.ruler().port()),
        authority.client(pair.ruler().port()),
    );
    assert_eq!(client.text(&["SELECT", "3"]), "OK");
    assert_eq!(client.text(&["SET", "a", "3"]), "OK");
    let value = "v".repeat(1 << 20);
    for round in 0..4 {
        let key = format!("queue{round}");
        blocked.send(&["BLPOP", &key, "30"]);
        pair.handoff().await;
        blocking(|| {
            assert_eq!(client.text(&["GET", "a"]), "3", "round {round}");
            assert_eq!(large.text(&["SET", "large", &value]), "OK");
            assert!(large.text(&["GET", "large"]) == value);
            let mut other = authority.client(pair.ruler().port());
            assert_eq!(other.text(&["LPUSH", &key, "x"]), "1");
            assert_eq!(text(&blocked.read()), format!("{key} x"));
        });
    }
}

#[tokio::test]
async fn under_load_nobody_sees_more_than_a_pause_by_tls() {
    let authority = Authority::new();
    let pair = Pair::start_set(Mutant::None, &|options| authority.certify(options)).await;
    handoffs_under_load(pair, |pair| authority.client(pair.ruler().port())).await;
}

/// Whatever a carried session has sent arrives, also what TLS had taken and the kernel had no room for, whether it goes on or ends.
#[tokio::test]
async fn requests_of_a_carried_session_arrive_though_the_way_was_full() {
    for ends in [false, true] {
        let authority = Authority::new();
        let mut pair = Pair::start_set(Mutant::None, &|options| authority.certify(options)).await;
        let mut client = authority.client(pair.ruler().port());
        assert_eq!(client.text(&["SET", "a", "1"]), "OK");
        pair.handoff().await;
        blocking(|| {
            assert_eq!(client.text(&["GET", "a"]), "1");
            // An answer would call on TLS, which then sends by the way.
            client.send(&["CLIENT", "REPLY", "OFF"]);
            pair.ruler().signal(Signal::SIGSTOP);
            let append = ["APPEND", "all", &"v".repeat(STEP)];
            let sent = fill_the_way(&mut client, &append, pair.ruler().port());
            if ends {
                client.stream.conn.send_close_notify();
                client.stream.flush().unwrap();
                std::thread::sleep(Duration::from_millis(50));
            }
            pair.ruler().signal(Signal::SIGCONT);
            let mut other = authority.client(pair.ruler().port());
            let all = (sent * STEP).to_string();
            until("all of it arrived", || {
                other.text(&["STRLEN", "all"]) == all
            });
            assert!(ends || client.text(&["CLIENT", "REPLY", "ON"]) == "OK");
        });
    }
}

/// Whatever a client is to get arrives, also what TLS had taken and the kernel had no room for, whether it goes on or ends.
#[tokio::test]
async fn replies_arrive_though_the_way_was_full() {
    let authority = Authority::new();
    let group = group(1, &|options| authority.certify(options)).await;
    for ends in [false, true] {
        blocking(|| {
            let mut client = authority.client(group.primary.port());
            let value = "v".repeat(STEP);
            assert_eq!(client.text(&["SET", "value", &value]), "OK");
            let socket = client.stream.get_ref();
            // Soon full.
            sockopt::set_socket_recv_buffer_size(socket, 64 << 10).unwrap();
            let own = socket.local_addr().unwrap().port();
            let asked = fill_the_way(&mut client, &["GET", "value"], own);
            if ends {
                client.send(&["QUIT"]);
                std::thread::sleep(Duration::from_millis(200));
            }
            for _ in 0..asked {
                assert!(text(&client.read()) == value);
            }
            assert!(!ends || text(&client.read()) == "OK" && client.is_closed());
        });
    }
}

/// Bytes of a value; with its command it fits into one record.
const STEP: usize = 12_000;

/// Sends requests, whose values go to a port where nobody reads, until one stays with TLS because the kernel is full. Returns how many were sent.
fn fill_the_way(client: &mut Secure, request: &[&str], port: u16) -> usize {
    // Whoever is there has stopped reading after these, and what it got is acknowledged.
    (0..100).for_each(|_| client.send(request));
    let before = comes_to_rest(port);
    client.send(request);
    let mut expected = comes_to_rest(port);
    let each = expected - before;
    assert!(each > STEP, "{each} bytes came for a request");
    for sent in 102..5_000 {
        client.send(request);
        expected += each;
        if !is_reached(expected, port) {
            return sent;
        }
    }
    panic!("{expected} bytes are on the way, and it is not full");
}

/// Bytes on the way to this port once they do not change any more.
fn comes_to_rest(port: u16) -> usize {
    let mut seen = [0, 1, 2];
    while seen.iter().any(|&one| one != seen[0]) || seen[0] == 0 {
        std::thread::sleep(Duration::from_millis(200));
        seen = [seen[1], seen[2], on_the_way(port)];
    }
    seen[0]
}

/// Whether so many bytes are on the way to this port within a while.
fn is_reached(expected: usize, port: u16) -> bool {
    let begun = Instant::now();
    while on_the_way(port) < expected {
        if begun.elapsed() > Duration::from_secs(1) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Bytes that the kernel has for this port: not sent yet, and not read.
fn on_the_way(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let hex = |text: &str| usize::from_str_radix(text, 16).unwrap();
    let is_it = |address: &str| address.ends_with(&format!(":{port:04X}"));
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (unsent, unread) = fields[4].split_once(':').unwrap();
        if is_it(fields[2]) {
            hex(unsent)
        } else if is_it(fields[1]) {
            hex(unread)
        } else {
            0
        }
    };
    table.lines().skip(1).map(row).sum()
}
