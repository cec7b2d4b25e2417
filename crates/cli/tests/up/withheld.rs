//! A primary whose keys nobody else has is followed by a replica without any.

use crate::common::holdfast;
use crate::group::{Up, eventually, primary, redis, signal, small};
use std::process::Command;
use tempfile::tempdir;

fn server_pid(up: &Up, node: usize) -> i32 {
    up.manifest()["nodes"][node]["server_pid"].as_i64().unwrap() as i32
}

fn address(up: &Up, node: usize) -> String {
    up.manifest()["nodes"][node]["address"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Writes a key to redis-0, ends it before redis-1 has heard of that, and waits until redis-1 rules.
fn followed_by_an_empty_one(up: &Up) {
    let (old, other) = (address(up, 0), server_pid(up, 1));
    signal("-STOP", other);
    assert_eq!(redis(&old, "CLIENT KILL TYPE replica"), ":1\r\n");
    assert!(redis(&old, "SET only here").starts_with("+OK"));
    signal("-KILL", server_pid(up, 0));
    signal("-CONT", other);
    eventually("redis-1 rules", || primary(up) == address(up, 1));
}

fn doctor(up: &Up) -> String {
    let args = ["doctor", "--dir", "group"];
    let told = holdfast(up.dir.parent().unwrap())
        .args(args)
        .output()
        .unwrap();
    String::from_utf8_lossy(&told.stdout).into_owned()
}

#[test]
fn keys_that_nobody_else_has_are_kept_until_a_person_gives_them_up() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    followed_by_an_empty_one(&up);
    eventually("redis-0 is withheld", || {
        up.status()["nodes"][0]["state"] == "withheld"
    });
    let said = doctor(&up);
    assert!(said.contains("it has 1 keys of epoch 1"), "{said}");
    assert!(
        redis(&address(&up, 0), "GET only").contains("here"),
        "they can be read"
    );
    assert!(redis(&primary(&up), "SET other there").starts_with("+OK"));
    up.stop();

    let data = dir.path().join("group/redis-0/data");
    assert!(
        Command::new("rm")
            .arg("-r")
            .arg(&data)
            .status()
            .unwrap()
            .success()
    );
    let up = Up::ready(dir.path(), &[]);
    up.settled();
    let kept = |node| redis(&address(&up, node), "GET other").contains("there");
    eventually("both have what was written since", || kept(0) && kept(1));
}

#[test]
fn where_nothing_was_written_since_a_restart_of_all_goes_on_from_them() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    followed_by_an_empty_one(&up);
    eventually("redis-0 is withheld", || {
        up.status()["nodes"][0]["state"] == "withheld"
    });
    up.stop();
    let up = Up::ready(dir.path(), &[]);
    up.settled();
    assert!(redis(&primary(&up), "GET only").contains("here"));
}
