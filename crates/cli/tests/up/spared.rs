//! A failover ends no redis-server but the one that failed, however fast keys come.

use crate::group::{Up, eventually, own_base_port, primary, signal};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::tempdir;

/// Writes new keys, a hundred at a time, to whatever address it finds, until it is to stop.
fn write(address: &Mutex<String>, stop: &AtomicBool) {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let now = address.lock().unwrap().clone();
        let Ok(mut stream) = TcpStream::connect(now) else {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let keys = (0..100).map(|key| format!("SET key:{number}:{key} value\r\n"));
            let sent = stream.write_all(keys.collect::<String>().as_bytes());
            let mut answers = [0; 500];
            if sent.is_err() || stream.read_exact(&mut answers).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn servers(up: &Up) -> Vec<i32> {
    (0..4).map(|node| up.server_pid(node)).collect()
}

#[test]
fn a_failover_ends_only_the_server_that_failed() {
    let dir = tempdir().unwrap();
    let up = Up::ready(dir.path(), &["--base-port", &own_base_port().to_string()]);
    up.settled();
    let address = Arc::new(Mutex::new(primary(&up)));
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (address, stop) = (Arc::clone(&address), Arc::clone(&stop));
        std::thread::spawn(move || write(&address, &stop))
    };
    for _ in 0..6 {
        std::thread::sleep(Duration::from_millis(700));
        let (before, old) = (servers(&up), primary(&up));
        let nodes = up.manifest()["nodes"].as_array().unwrap().clone();
        let first = nodes
            .iter()
            .position(|node| node["address"] == old.as_str());
        let first = first.unwrap();
        signal("-STOP", before[first]);
        eventually("another primary", || {
            let new = primary(&up);
            !new.is_empty() && new != old
        });
        *address.lock().unwrap() = primary(&up);
        std::thread::sleep(Duration::from_millis(300));
        up.settled();
        let after = servers(&up);
        for node in (0..4).filter(|node| *node != first) {
            assert_eq!(after[node], before[node], "redis-{node} of {first} failed");
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}
