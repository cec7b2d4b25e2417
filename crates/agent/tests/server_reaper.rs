//! Orphans are collected, children with an owner are not. One test: a subreaper is a property of the process.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server_support;

use holdfast_agent::server::{DeathReason, Event, reaper};
use server_support::{Node0, wait_for};
use std::process::Command;
use std::time::Duration;

fn zombies() -> usize {
    let me = std::process::id().to_string();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter(|stat| {
            stat.rsplit_once(')')
                .is_some_and(|(_, rest)| rest.starts_with(&format!(" Z {me} ")))
        })
        .count()
}

#[tokio::test]
async fn orphans_are_collected_and_the_servers_exit_status_is_not() {
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let mut node = Node0::start().await;
    // Children whose parent ends at once: they become ours.
    for _ in 0..5 {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 0.2 & sleep 0.2 & exit 0"])
            .spawn()
            .unwrap();
        reaper::own(shell.id());
        shell.wait().unwrap();
        reaper::disown(shell.id());
    }
    wait_for("ten zombies", Duration::from_secs(5), || zombies() == 10);
    // A child with an owner who has not come yet.
    let mut owned = Command::new("sh").args(["-c", "exit 7"]).spawn().unwrap();
    reaper::own(owned.id());
    wait_for("its end", Duration::from_secs(5), || zombies() == 11);
    let round = tokio::spawn(reaper::run(true));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(zombies() >= 1);
    assert_eq!(
        owned.wait().unwrap().code(),
        Some(7),
        "its status is left for the owner"
    );
    reaper::disown(owned.id());
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(zombies(), 0);
    // The server's own status survives rounds in between.
    let pid = nix::unistd::Pid::from_raw(node.server.pid() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    for _ in 0..2000 {
        reaper::round();
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    let Event::Died(death) = node.event().await else {
        panic!()
    };
    assert_eq!(death.reason, DeathReason::Exit(0));
    node.server.released().await;
    round.abort();
}
