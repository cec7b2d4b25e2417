//! Work that makes a healthy group slow: no fault, and no reason for a failover.

use crate::client::connection::ask;
use crate::target::Group;
use anyhow::{Context, Result};
use std::time::Duration;
use tokio::process::{Child, Command};

/// Five seconds in which a server answers nobody.
const SCRIPT: &str = "local function now() local t = redis.call('TIME') return t[1] + t[2] / 1000000 end \
     local start = now() while now() - start < 5 do end return 1";

/// One endless loop per core; they end when dropped.
pub(crate) fn saturate() -> Result<Vec<Child>> {
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let hog = || {
        Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .kill_on_drop(true)
            .spawn()
    };
    (0..cores).map(|_| hog().context("start a loop")).collect()
}

/// Asks every node for a snapshot, for which it forks.
pub(crate) async fn fork(group: &Group) {
    for node in &group.nodes {
        // Busy already, or saving: that is a fork too.
        let _ = ask(&node.address, &["BGSAVE"], Duration::from_secs(5)).await;
    }
}

/// Runs a script of five seconds on the primary, to its end.
pub(crate) async fn long_script(group: &Group) {
    for node in &group.nodes {
        let role = ask(&node.address, &["ROLE"], Duration::from_secs(5)).await;
        let primary = role.is_ok_and(|role| {
            role.as_slice()
                .and_then(|words| words.first()?.as_str().map(|kind| kind == "master"))
                .unwrap_or(false)
        });
        if primary {
            let command = ["EVAL", SCRIPT, "0"];
            let _ = ask(&node.address, &command, Duration::from_secs(20)).await;
        }
    }
}
