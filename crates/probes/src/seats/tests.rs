#![allow(clippy::unwrap_used)]

use crate::{Facts, Metrics, start};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

struct Well;

impl Facts for Well {
    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    fn write(&self, _: &mut Metrics) {}
}

/// A role whose loop answers at once.
fn served() -> SocketAddr {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let mut questions = start::<Well>(address).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            loop {
                questions.next().await.answer(Well);
            }
        });
    });
    address
}

fn connect(address: SocketAddr, said: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let within = Some(Duration::from_secs(10));
    stream.set_read_timeout(within).unwrap();
    stream.write_all(said.as_bytes()).unwrap();
    stream
}

fn probe(address: SocketAddr) -> String {
    let request = "GET /livez HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    let _ = connect(address, request).read_to_string(&mut answer);
    answer
}

/// As `curl` with half a header, many times, from the address that the kubelet has too.
#[test]
fn half_said_requests_starve_no_probe() {
    let address = served();
    let held: Vec<_> = (0..64)
        .map(|_| connect(address, "GET /livez HTTP/1.1\r\nHo"))
        .collect();
    let began = Instant::now();
    for _ in 0..8 {
        let answer = probe(address);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "they waited: {took:?}");
    drop(held);
}

#[test]
fn a_connection_that_is_kept_is_answered_again() {
    let address = served();
    let mut stream = connect(address, "");
    for _ in 0..3 {
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nHost: it\r\n\r\n")
            .unwrap();
        let mut answer = [0; 512];
        let length = stream.read(&mut answer).unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
    }
}
