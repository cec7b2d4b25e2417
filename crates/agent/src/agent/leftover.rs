//! A redis-server that outlived its agent. The parent's death should have ended it; make sure of it
//! before the sentinels are told that the old incarnation is no more.

use crate::server::stat::{ProcessId, Stat};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn file(dir: &Path) -> PathBuf {
    dir.join("server.pid")
}

/// Notes the process, for a successor of this agent and for whoever watches this group.
pub(super) fn note(dir: &Path, pid: u32) -> io::Result<()> {
    let next = dir.join("server.pid.next");
    std::fs::write(&next, pid.to_string())?;
    std::fs::rename(next, file(dir))
}

/// Forgets it: it has ended.
pub(super) fn forget(dir: &Path) {
    let _ = std::fs::remove_file(file(dir));
}

/// Ends the process that was noted, if it is still there and still a server of this directory.
pub(super) async fn end(dir: &Path) -> io::Result<()> {
    let Some(pid) = std::fs::read_to_string(file(dir))
        .ok()
        .and_then(|text| text.trim().parse().ok())
    else {
        return Ok(());
    };
    // Up to 10 s; a dying server counts as ended long before its memory is free.
    for _ in 0..2000 {
        if !is_ours(dir, pid) {
            forget(dir);
            return Ok(());
        }
        if let Ok(process) = ProcessId::of(pid) {
            process.kill();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(io::Error::other(format!(
        "redis-server with process number {pid} does not end"
    )))
}

/// Whether `pid` runs and is a server; its title is `redis-server HOST:PORT` or its command line.
fn is_ours(dir: &Path, pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    let alive = stat
        .as_deref()
        .and_then(Stat::parse)
        .is_some_and(|stat| !stat.dying());
    let title = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let title = String::from_utf8_lossy(&title).into_owned();
    let server = title.contains("redis-server") || title.contains("valkey-server");
    alive && (server || title.contains(&*dir.to_string_lossy()))
}
