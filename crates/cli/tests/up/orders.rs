//! What a person orders.

use crate::common::{holdfast, said};
use crate::group::{eventually, signal, small};
use serde_json::Value;
use tempfile::tempdir;

#[test]
fn a_failover_on_order_says_what_it_did() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    let before = up.status()["primary"].clone();
    let output = holdfast(dir.path())
        .args(["failover", "--json", "--dir", "group"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done["from"], before);
    assert_eq!(up.status()["primary"], done["to"]);
    assert!(done["pause_ms"].is_number(), "{done}");
}

#[test]
fn a_node_that_left_is_forgotten() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &["--no-restart"]);
    up.settled();
    let forget = |node: &str| {
        let args = ["forget", node, "--dir", "group"];
        holdfast(dir.path()).args(args).output().unwrap()
    };
    let refused = forget("redis-1");
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("is connected; stop it first"));
    signal(
        "-KILL",
        up.manifest()["nodes"][1]["agent_pid"].as_i64().unwrap() as i32,
    );
    eventually("redis-1 is forgotten", || {
        forget("redis-1").stdout.starts_with(b"forgot redis-1")
    });
    eventually("every sentinel shows one node", || {
        up.status()["nodes"]
            .as_array()
            .is_some_and(|nodes| nodes.len() == 1)
    });
}
