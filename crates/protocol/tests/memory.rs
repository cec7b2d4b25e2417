//! What an idle connection costs. Alone in its process, so that the figure is only its own.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{Read, Write};

use common::{local, start};

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_ascii_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}

/// 10,000 clients must fit into 64 MiB: 6.4 KiB for each, of which the kernel's part is not ours.
#[test]
fn an_idle_connection_costs_little() {
    const CLIENTS: usize = 2000;
    let server = start(local());
    server.client().ask("PING");
    let before = resident_bytes();
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|_| std::net::TcpStream::connect(server.address()).unwrap())
        .collect();
    for client in &mut clients {
        client.write_all(b"SENTINEL MASTERS\r\n").unwrap();
        let _ = client.read(&mut [0; 4096]).unwrap();
    }
    let each = resident_bytes().saturating_sub(before) / CLIENTS;
    assert!(each < 4096, "{each} bytes for each idle connection");
}
