//! A primary whose keys nobody else has is followed by a replica without any.

use crate::group::{Up, eventually, primary, redis, signal, small};
use tempfile::{TempDir, tempdir};

fn address(up: &Up, node: usize) -> String {
    up.manifest()["nodes"][node]["address"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A group in which a key was written to redis-0, which was ended before redis-1 had heard of that: redis-1 rules, and
/// redis-0 has come back.
fn withheld(dir: &TempDir) -> Up {
    let up = small(dir, &[]);
    up.settled();
    let (old, other) = (address(&up, 0), up.server_pid(1));
    signal("-STOP", other);
    assert_eq!(redis(&old, "CLIENT KILL TYPE replica"), ":1\r\n");
    assert!(redis(&old, "SET only here").starts_with("+OK"));
    signal("-KILL", up.server_pid(0));
    signal("-CONT", other);
    eventually("redis-1 rules", || primary(&up) == address(&up, 1));
    eventually("redis-0 is withheld", || {
        up.status()["nodes"][0]["state"] == "withheld"
    });
    up
}

#[test]
fn keys_that_nobody_else_has_are_kept_until_a_person_gives_them_up() {
    let dir = tempdir().unwrap();
    let up = withheld(&dir);
    let said = String::from_utf8_lossy(&up.doctor().stdout).into_owned();
    assert!(said.contains("it has 1 keys of epoch 1"), "{said}");
    assert!(
        redis(&address(&up, 0), "GET only").contains("here"),
        "they can be read"
    );
    assert!(redis(&primary(&up), "SET other there").starts_with("+OK"));
    up.stop();

    std::fs::remove_dir_all(dir.path().join("group/redis-0/data")).unwrap();
    let up = Up::ready(dir.path(), &[]);
    up.settled();
    let kept = |node| redis(&address(&up, node), "GET other").contains("there");
    eventually("both have what was written since", || kept(0) && kept(1));
}

#[test]
fn where_nothing_was_written_since_a_restart_of_all_goes_on_from_them() {
    let dir = tempdir().unwrap();
    let up = withheld(&dir);
    up.stop();
    let up = Up::ready(dir.path(), &[]);
    up.settled();
    assert!(redis(&primary(&up), "GET only").contains("here"));
}
