//! Large values, many clients, slow clients.

use crate::blocking;
use crate::client::{Client, Way, text};
use crate::group::Group;
use holdfast_core::mutant::Mutant;
use std::time::Instant;

fn set_large<S: Way>(client: &mut Client<S>, key: &str, bytes: usize) {
    let head = format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${bytes}\r\n", key.len());
    client.stream.write_all(head.as_bytes()).unwrap();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..bytes / piece.len() {
        client.stream.write_all(&piece).unwrap();
    }
    client.stream.write_all(b"\r\n").unwrap();
    assert_eq!(text(&client.read()), "OK");
}

fn get_large<S: Way>(client: &mut Client<S>, key: &str, bytes: usize) {
    client.send(&["GET", key]);
    let (mut seen, mut buffer) = (0, vec![0; 1 << 20]);
    let whole = format!("${bytes}\r\n").len() + bytes + 2;
    while seen < whole {
        let read = client.stream.read(&mut buffer).unwrap();
        assert!(read > 0);
        // Only the reply's head and end are something else.
        let others = buffer[..read].split(|byte| *byte == b'x').map(<[u8]>::len);
        assert!(others.sum::<usize>() < 20);
        seen += read;
    }
    assert_eq!(seen, whole);
}

#[tokio::test]
async fn values_of_64_mib_and_512_mib() {
    let group = Group::start_with(1, 1, "appendonly no\nsave \"\"", Mutant::None).await;
    blocking(|| there_and_back(&|| group.client()));
}

/// Values of these sizes, each by a new client.
pub fn there_and_back<S: Way>(new: &dyn Fn() -> Client<S>) {
    for mib in [1, 64, 512] {
        let begun = Instant::now();
        let mut client = new();
        set_large(&mut client, "large", mib << 20);
        get_large(&mut client, "large", mib << 20);
        eprintln!("{mib} MiB there and back in {:?}", begun.elapsed());
        assert_eq!(client.text(&["DEL", "large"]), "1");
    }
}

#[tokio::test]
async fn two_hundred_clients() {
    let group = Group::start(3, 2).await;
    blocking(|| {
        let port = group.primary.port();
        let work = move |number: usize| {
            let mut client = Client::connect(port);
            for round in 0..50 {
                let key = format!("k{number}");
                assert_eq!(client.text(&["SET", &key, &round.to_string()]), "OK");
                assert_eq!(client.text(&["GET", &key]), round.to_string());
            }
        };
        let all: Vec<_> = (0..200)
            .map(|n| std::thread::spawn(move || work(n)))
            .collect();
        for one in all {
            one.join().unwrap();
        }
    });
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_no_more_than_its_bound() {
    let group = Group::start_with(1, 1, "appendonly no\nsave \"\"", Mutant::None).await;
    blocking(|| deaf_clients_are_bounded(&|| group.client()));
}

/// What is there for clients that do not read stays within bounds, and the others are served.
pub fn deaf_clients_are_bounded<S: Way>(new: &dyn Fn() -> Client<S>) {
    let mut client = new();
    set_large(&mut client, "large", 64 << 20);
    let before = resident();
    let mut greedy: Vec<_> = (0..4).map(|_| new()).collect();
    for client in &mut greedy {
        client.send(&["GET", "large"]);
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    // The others are served, and 4 × 64 MiB are not here.
    assert_eq!(client.text(&["PING"]), "PONG");
    assert_eq!(client.text(&["SET", "a", "1"]), "OK");
    let grown = resident().saturating_sub(before);
    assert!(grown < 40 << 20, "{} MiB", grown >> 20);
}

/// Resident bytes of this process, in which the gate is.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
