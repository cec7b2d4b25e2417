//! Whether all is well: what `status` and `wait` say, and how they exit.

use crate::common::{holdfast, said};
use crate::group::{Up, eventually, redis, signal, small};
use serde_json::Value;
use std::process::Output;
use tempfile::tempdir;

fn run(up: &Up, args: &[&str]) -> Output {
    let mut command = holdfast(up.dir.parent().unwrap());
    command
        .args(args)
        .args(["--dir", "group"])
        .output()
        .unwrap()
}

#[test]
fn status_and_wait_fail_while_one_node_is_not_up() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    let well = run(&up, &["wait", "--json", "--timeout", "30"]);
    assert_eq!(well.status.code(), Some(0), "{}", said(&well));
    let status: Value = serde_json::from_slice(&well.stdout).unwrap();
    assert_eq!(status["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(run(&up, &["status"]).status.code(), Some(0));

    let replica = up.manifest()["nodes"][1]["agent_pid"].as_i64().unwrap() as i32;
    signal("-STOP", replica);
    eventually("status fails", || {
        run(&up, &["status"]).status.code() == Some(3)
    });
    let late = run(&up, &["wait", "--timeout", "1"]);
    assert_eq!(late.status.code(), Some(3), "{}", said(&late));
    assert!(
        said(&late).contains("holdfast: waiting: redis-1 is "),
        "{}",
        said(&late)
    );
    assert!(
        said(&late).contains("is not well after 1 s: redis-1 is "),
        "{}",
        said(&late)
    );

    signal("-CONT", replica);
    let again = run(&up, &["wait", "--timeout", "30", "--nodes", "2"]);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    let told = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(
        told.contains("2 nodes are up, 3 sentinels are connected"),
        "{told}"
    );
    let more = run(&up, &["wait", "--timeout", "1", "--nodes", "3"]);
    assert!(
        said(&more).contains("2 of 3 nodes are known"),
        "{}",
        said(&more)
    );
    up.stop();
    assert_eq!(run_stopped(dir.path()), Some(4));
}

fn run_stopped(dir: &std::path::Path) -> Option<i32> {
    let args = ["wait", "--timeout", "0", "--dir", "group"];
    holdfast(dir).args(args).output().unwrap().status.code()
}

/// A switchover in a loop holds writes again and again.
#[test]
fn handoffs_are_paced() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &["--handoff-pace-ms", "60000"]);
    up.settled();
    assert_eq!(run(&up, &["failover"]).status.code(), Some(0));
    up.settled();
    let refused = run(&up, &["failover"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(
        said(&refused).contains("at most one in 60000 ms"),
        "{}",
        said(&refused)
    );
    let sentinel = up.manifest()["sentinels"][0]["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = redis(&sentinel, "SENTINEL FAILOVER mymaster");
    assert!(answer.starts_with("-INPROG the last handoff"), "{answer}");
}

/// The gate of the old primary takes newcomers along for five seconds; they meet one server under two addresses.
#[test]
fn doctor_finds_no_second_primary_after_a_handoff() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &["--durability", "quorum"]);
    up.settled();
    for _ in 0..3 {
        // Refused while the group is being paced or not in step.
        eventually("a handoff", || {
            run(&up, &["failover"]).status.code() == Some(0)
        });
        let doctor = up.doctor();
        let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(!text.contains("second-primary"), "{text}");
    }
}

fn signal_all(name: &str, pids: &[i32]) {
    for pid in pids {
        signal(name, *pid);
    }
}

/// Exporters ask by `SENTINEL MASTER`: the group must not vanish just when it is down.
#[test]
fn sentinels_that_restart_in_an_outage_show_the_last_primary_as_down() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    let manifest = up.manifest();
    let pids = |list: &str, key: &str| -> Vec<i32> {
        let all = manifest[list].as_array().unwrap().iter();
        all.map(|entry| entry[key].as_i64().unwrap() as i32)
            .collect()
    };
    let agents = pids("nodes", "agent_pid");
    signal_all("-STOP", &agents);
    eventually("an election begins", || up.status()["phase"] == "electing");
    signal_all("-KILL", &pids("sentinels", "pid"));
    let sentinel = manifest["sentinels"][0]["address"].as_str().unwrap();
    eventually("the primary is shown as down", || {
        redis(sentinel, "SENTINEL MASTER mymaster").contains("s_down,o_down,master")
    });
    let told = redis(sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster");
    assert!(told.starts_with("*2"), "{told}");
    signal_all("-CONT", &agents);
    let back = run(&up, &["wait", "--timeout", "60"]);
    assert_eq!(back.status.code(), Some(0), "{}", said(&back));
}
