//! Ports, paths, passwords, sizes.

use crate::common::{holdfast, said};
use crate::group::{PATIENCE, Up, eventually, own_base_port, primary, redis, signal, small};
use serde_json::Value;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Instant;
use tempfile::tempdir;

#[test]
fn taken_ports_are_skipped() {
    let dir = tempdir().unwrap();
    let port = own_base_port();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let up = Up::ready(
        dir.path(),
        &["--replicas", "1", "--base-port", &port.to_string()],
    );
    let manifest = up.manifest();
    let ports: Vec<&str> = manifest["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["address"].as_str().unwrap())
        .collect();
    assert!(
        !ports.contains(&format!("127.0.0.1:{port}").as_str()),
        "{ports:?}"
    );
}

#[test]
fn one_node_alone_is_allowed_with_a_warning() {
    let dir = tempdir().unwrap();
    let port = own_base_port().to_string();
    let mut up = Up::ready(
        dir.path(),
        &["--replicas", "0", "--sentinels", "1", "--base-port", &port],
    );
    assert!(redis(&primary(&up), "SET k v").starts_with("+OK"));
    signal("-INT", up.child.id() as i32);
    up.child.wait().unwrap();
    let mut warned = String::new();
    up.child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut warned)
        .unwrap();
    assert!(warned.contains("nothing can fail over"), "{warned}");
}

/// Takes a port of the plan as soon as the plan is written, which is before any process has its ports.
fn thief(
    dir: &Path,
    port_of: impl Fn(&Value) -> String + Send + 'static,
) -> JoinHandle<TcpListener> {
    let plan = dir.join("group/plan.json");
    std::thread::spawn(move || {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "never: a plan");
            if let Ok(text) = fs::read(&plan) {
                let plan = serde_json::from_slice(&text).unwrap();
                return TcpListener::bind(port_of(&plan)).expect("the thief comes first");
            }
        }
    })
}

#[test]
fn a_port_that_is_taken_in_the_last_moment_is_replaced() {
    for (list, key) in [
        ("sentinels", "control"),
        ("sentinels", "clients"),
        ("nodes", "listen"),
    ] {
        let dir = tempdir().unwrap();
        let thief = thief(dir.path(), move |plan| {
            plan[list][1][key].as_str().unwrap().to_owned()
        });
        let up = small(&dir, &[]);
        let stolen = thief.join().unwrap().local_addr().unwrap().to_string();
        up.settled();
        let plan: Value =
            serde_json::from_slice(&fs::read(up.dir.join("plan.json")).unwrap()).unwrap();
        assert_ne!(plan[list][1][key], stolen);
        assert!(redis(&primary(&up), "SET k v").starts_with("+OK"));
    }
}

#[test]
fn sentinels_may_ask_for_a_password_of_their_own() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("word"), "guarded\n").unwrap();
    let up = small(&dir, &["--sentinel-password-file", "word"]);
    let sentinel = up.manifest()["sentinels"][0]["address"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(redis(&sentinel, "SENTINEL MASTERS").starts_with("-NOAUTH"));
    let status = |more: &[&str]| {
        let args = [&["status", "--dir", "group"], more].concat();
        holdfast(dir.path()).args(args).output().unwrap()
    };
    let refused = status(&[]);
    assert_eq!(refused.status.code(), Some(4));
    assert!(
        said(&refused).contains("--password-file"),
        "{}",
        said(&refused)
    );
    let shown = status(&["--password-file", "word"]);
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.contains("redis-0"), "{shown}");
    let node = up.manifest()["nodes"][0]["address"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        redis(&node, "PING").starts_with("+PONG"),
        "the nodes ask for none"
    );
}

#[test]
fn a_line_that_redis_refuses_ends_the_start_with_its_reason() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("mine"), "nosuchdirective yes\n").unwrap();
    let output = holdfast(dir.path())
        .args(["up", "--headless", "--dir", "group", "--redis-conf", "mine"])
        .args([
            "--replicas",
            "1",
            "--base-port",
            &own_base_port().to_string(),
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let last = said(&output).lines().last().unwrap_or_default().to_owned();
    assert!(last.contains("nosuchdirective"), "{last}");
}

#[test]
fn a_folder_deeper_than_a_sockets_path_may_be_long_works() {
    for more in [&[][..], &["--durability", "quorum"]] {
        let dir = tempdir().unwrap();
        let deep = dir.path().join("d".repeat(100)).join("e".repeat(200));
        fs::create_dir_all(&deep).unwrap();
        let port = own_base_port().to_string();
        let up = Up::ready(&deep, &[&["--base-port", &port], more].concat());
        up.settled();
        let first = primary(&up);
        assert!(redis(&first, "SET k v").starts_with("+OK"));
        let nodes = up.manifest()["nodes"].as_array().unwrap().clone();
        let ruler = nodes.iter().find(|node| node["address"] == first).unwrap();
        signal("-KILL", ruler["server_pid"].as_i64().unwrap() as i32);
        eventually("another primary takes writes", || {
            let next = primary(&up);
            next != first && redis(&next, "SET k w").starts_with("+OK")
        });
        up.settled();
    }
}

#[test]
fn clients_of_the_nodes_may_need_a_password() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("word"), "guarded\n").unwrap();
    let up = small(&dir, &["--password-file", "word"]);
    // Replicas are in step: they and the agents have a user of their own.
    up.settled();
    let first = primary(&up);
    assert!(redis(&first, "SET k v").starts_with("-NOAUTH"));
    assert!(redis(&first, "AUTH wrong").starts_with("-WRONGPASS"));
    assert!(redis(&first, "AUTH guarded").starts_with("+OK"));
}
