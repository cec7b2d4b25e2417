//! Clients that fill `maxclients` and come back at once: the agents are in before them.

use crate::group::{Up, eventually, own_base_port, signal, small};
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::tempdir;

const MAX_CLIENTS: usize = 30;

/// Clients of one node; more than it has places for.
const STORMERS: usize = 60;

struct Storm {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Storm {
    /// Fills the tables of these nodes and goes on until it is dropped.
    fn over(ports: &[u16]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = ports
            .iter()
            .map(|port| {
                let (port, stop) = (*port, Arc::clone(&stop));
                std::thread::spawn(move || {
                    let mut places: Vec<Option<TcpStream>> = (0..STORMERS).map(|_| None).collect();
                    while !stop.load(Ordering::Relaxed) {
                        for place in &mut places {
                            press_in(place, port);
                        }
                        std::thread::sleep(Duration::from_millis(1));
                    }
                })
            })
            .collect();
        Self { stop, threads }
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Keeps a connection, or tries again where it was refused or closed.
fn press_in(place: &mut Option<TcpStream>, port: u16) {
    let held = place.as_mut().is_some_and(|stream| {
        let said = stream.read(&mut [0; 64]);
        matches!(said, Err(error) if error.kind() == ErrorKind::WouldBlock)
    });
    if !held {
        *place = TcpStream::connect(("127.0.0.1", port)).ok();
        let quiet = place.as_ref().map(|stream| stream.set_nonblocking(true));
        drop(quiet);
    }
}

fn writable(up: &Up) -> Option<String> {
    let status = up.status();
    let nodes = status["nodes"].as_array()?.clone();
    let mut open = nodes.iter().filter(|node| node["writable"] == true);
    open.next()
        .and_then(|node| node["name"].as_str().map(str::to_owned))
}

#[test]
fn a_group_forms_while_clients_fill_every_place() {
    let dir = tempdir().unwrap();
    let (port, conf) = (own_base_port(), dir.path().join("my.conf"));
    fs::write(&conf, format!("maxclients {MAX_CLIENTS}\n")).unwrap();
    let _storm = Storm::over(&[port, port + 1]);
    let (base, conf) = (port.to_string(), conf.display().to_string());
    let args = [
        "--replicas",
        "1",
        "--base-port",
        &base,
        "--redis-conf",
        &conf,
    ];
    let up = Up::start(dir.path(), &args);
    eventually("a primary serves", || writable(&up).is_some());
}

#[test]
fn a_group_fails_over_while_clients_fill_every_place() {
    let dir = tempdir().unwrap();
    let conf = dir.path().join("my.conf");
    fs::write(&conf, format!("maxclients {MAX_CLIENTS}\n")).unwrap();
    let up = small(&dir, &["--redis-conf", &conf.display().to_string()]);
    up.settled();
    let manifest = up.manifest();
    let ports = [0, 1].map(|i| {
        let address = manifest["nodes"][i]["address"].as_str().unwrap();
        address.rsplit(':').next().unwrap().parse().unwrap()
    });
    let first = writable(&up).unwrap();
    let _storm = Storm::over(&ports);
    std::thread::sleep(Duration::from_millis(500));
    let node = usize::from(first == "redis-1");
    signal("-KILL", up.server_pid(node));
    eventually("the other one serves", || {
        writable(&up).is_some_and(|now| now != first)
    });
}
