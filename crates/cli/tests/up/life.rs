//! Start, resume, death and end.

use crate::common::{holdfast, said};
use crate::group::{Up, eventually, lives, own_base_port, primary, redis, signal, small};
use serde_json::Value;
use std::fs;
use std::process::Command;
use std::time::Duration;
use tempfile::tempdir;

#[test]
fn a_whole_group_starts_shows_itself_and_ends() {
    let dir = tempdir().unwrap();
    let up = Up::ready(dir.path(), &["--base-port", &own_base_port().to_string()]);
    up.settled();
    let pids = up.pids();
    assert_eq!(
        pids.len(),
        11,
        "3 sentinels, 4 agents, 4 servers: {}",
        up.manifest()
    );
    assert!(pids.iter().all(|pid| lives(*pid)));
    let status = up.status();
    assert_eq!(
        (status["group"].as_str(), status["phase"].as_str()),
        (Some("mymaster"), Some("stable"))
    );
    assert!(redis(&primary(&up), "SET k v").starts_with("+OK"));
    let doctor = up.doctor();
    assert_eq!(
        doctor.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&doctor.stdout)
    );
    let (code, lines) = up.stop();
    assert_eq!(code, 0);
    let last = lines.last().unwrap();
    assert!(last.contains("the data is left in"), "{lines:?}");
    let again = format!("`{} up --dir ", env!("CARGO_BIN_EXE_holdfast"));
    assert!(last.contains(&again), "a command that can be typed: {last}");
    assert!(!pids.iter().any(|pid| lives(*pid)));
    let left: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("group/cluster.json")).unwrap())
            .unwrap();
    assert!(
        left["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|node| node["server_pid"].is_null() && node["agent_pid"].is_null())
    );
}

#[test]
fn a_second_up_goes_on_with_the_data_and_the_ports() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    assert!(redis(&primary(&up), "SET kept yes").starts_with("+OK"));
    let addresses = |manifest: &Value| -> Vec<Value> {
        manifest["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .chain(manifest["sentinels"].as_array().unwrap())
            .map(|entry| entry["address"].clone())
            .collect()
    };
    let before = addresses(&up.manifest());
    up.stop();
    let up = Up::ready(dir.path(), &[]);
    assert_eq!(addresses(&up.manifest()), before);
    assert!(redis(&primary(&up), "GET kept").contains("yes"));
}

#[test]
fn a_folder_in_use_is_refused() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    let second = holdfast(dir.path())
        .args(["up", "--headless", "--dir", "group"])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(2));
    let said = said(&second);
    assert!(
        said.contains("in use") && said.contains(&up.child.id().to_string()),
        "{said}"
    );
    assert!(up.pids().iter().all(|pid| lives(*pid)), "the first goes on");
}

#[test]
fn nothing_outlives_an_up_that_is_killed() {
    let dir = tempdir().unwrap();
    let mut up = small(&dir, &[]);
    up.settled();
    let pids = up.pids();
    up.child.kill().unwrap();
    up.child.wait().unwrap();
    eventually("everything is gone", || !pids.iter().any(|pid| lives(*pid)));
}

#[test]
fn processes_that_die_are_started_again_and_cluster_json_follows() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &[]);
    up.settled();
    for (list, i, key) in [
        ("sentinels", 1, "pid"),
        ("nodes", 1, "agent_pid"),
        ("nodes", 0, "server_pid"),
        ("nodes", 0, "agent_pid"),
    ] {
        let old = up.manifest()[list][i][key].as_i64().unwrap() as i32;
        signal("-KILL", old);
        eventually("a new process", || {
            let new = up.manifest()[list][i][key].as_i64();
            new.is_some_and(|new| new as i32 != old && lives(new as i32))
        });
        up.settled();
    }
}

#[test]
fn without_restart_a_dead_process_stays_down() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &["--no-restart"]);
    up.settled();
    signal(
        "-KILL",
        up.manifest()["sentinels"][2]["pid"].as_i64().unwrap() as i32,
    );
    up.line_with("it stays down");
    assert!(up.manifest()["sentinels"][2]["pid"].is_null());
    let server = up.server_pid(1);
    signal("-KILL", server);
    up.line_with("redis-1: redis-server is gone");
    // An agent that would start it again does so within 100 ms.
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(up.status()["nodes"][1]["state"], "down");
    let node = &up.manifest()["nodes"][1];
    assert!(node["server_pid"].is_null(), "{node}");
    assert!(lives(node["agent_pid"].as_i64().unwrap() as i32), "{node}");
    assert_eq!(up.doctor().status.code(), Some(3));
}

#[test]
fn a_reader_that_goes_away_ends_neither_the_group_nor_a_command_badly() {
    let dir = tempdir().unwrap();
    let mut up = small(&dir, &[]);
    up.settled();
    up.stop_listening();
    let server = up.server_pid(1);
    signal("-KILL", server);
    // Lines are due about this, and nobody reads them.
    eventually("another redis-server", || {
        let next = up.manifest()["nodes"][1]["server_pid"].as_i64();
        next.is_some_and(|next| next as i32 != server)
    });
    up.settled();
    assert!(up.child.try_wait().unwrap().is_none(), "up goes on");
    for args in [
        &["status", "--json"][..],
        &["status", "--watch"],
        &["completions", "bash"],
    ] {
        let mut command = holdfast(dir.path());
        command.args(args);
        if args[0] == "status" {
            command.args(["--dir", "group"]);
        }
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        assert_eq!(said(&output), "", "{args:?}");
    }
}

/// Kills every process at once, `up` first so that it starts none again.
fn kill_everything(up: &mut Up) {
    let pids = up.pids();
    up.child.kill().unwrap();
    for pid in &pids {
        // Most are gone with `up` already.
        let _ = Command::new("kill")
            .args(["-KILL", &pid.to_string()])
            .output();
    }
    up.child.wait().unwrap();
    eventually("everything is gone", || !pids.iter().any(|pid| lives(*pid)));
}

#[test]
fn with_fsync_nothing_acknowledged_is_lost_when_every_process_is_killed() {
    let dir = tempdir().unwrap();
    let fsync = ["--replicas", "2", "--durability", "fsync"];
    let port = own_base_port().to_string();
    let mut up = Up::ready(dir.path(), &[&fsync[..], &["--base-port", &port]].concat());
    up.settled();
    for round in 0..3 {
        for number in 0..20 {
            let write = format!("SET key:{round}:{number} {round}");
            assert!(redis(&primary(&up), &write).starts_with("+OK"));
        }
        kill_everything(&mut up);
        up = Up::ready(dir.path(), &fsync);
        for number in 0..20 {
            let read = format!("GET key:{round}:{number}");
            let found = redis(&primary(&up), &read);
            assert!(found.contains(&round.to_string()), "{read}: {found}");
        }
    }
    let said = up.status()["decisions"].to_string();
    assert!(!said.contains("everything was restarted"), "{said}");
}

#[test]
fn a_folder_may_change_its_durability_there_and_back() {
    let dir = tempdir().unwrap();
    let up = small(&dir, &["--durability", "quorum"]);
    up.settled();
    assert!(redis(&primary(&up), "SET kept yes").starts_with("+OK"));
    up.stop();
    for durability in ["fsync", "quorum", "async"] {
        let up = Up::ready(dir.path(), &["--durability", durability]);
        up.settled();
        assert!(
            redis(&primary(&up), "GET kept").contains("yes"),
            "{durability}"
        );
        assert!(
            redis(&primary(&up), "SET more yes").starts_with("+OK"),
            "{durability}"
        );
        up.stop();
    }
}
