//! Follows `<agent dir>/server.pid`, so that cluster.json names the redis-server that really runs.

use crate::group::Shared;
use crate::process::bound_log;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;

const SERVER_PID_FILE: &str = "server.pid";
/// How often everything is looked at even without a notice.
const CALM: Duration = Duration::from_secs(1);
/// How often while a server is dying without an agent to tell of it.
const BUSY: Duration = Duration::from_millis(10);

/// Removes what an earlier run left, so that a new agent starts with a clean slate.
pub(crate) fn forget(node_dir: &Path) {
    // Absent is the usual case; what cannot be removed is checked for life when read.
    let _ = std::fs::remove_file(node_dir.join(SERVER_PID_FILE));
}

/// Runs as long as the group.
pub(crate) async fn watch(node_dirs: Vec<PathBuf>, logs: Vec<PathBuf>, shared: Arc<Shared>) {
    let changed = subscribe(&node_dirs);
    loop {
        let dying = shared.refresh_servers(|i| node_dirs.get(i).and_then(|dir| read(dir)));
        let pause = if dying { BUSY } else { CALM };
        tokio::select! {
            biased;
            () = changed.notified() => {}
            () = tokio::time::sleep(pause) => {
                shared.write_if_stale();
                for log in &logs {
                    bound_log(log);
                }
            }
        }
    }
}

/// A thread that waits for changes of `server.pid` files and says so; it ends with the group.
fn subscribe(dirs: &[PathBuf]) -> Arc<Notify> {
    let changed = Arc::new(Notify::new());
    let told = Arc::downgrade(&changed);
    match listen(dirs) {
        Ok(inotify) => {
            let spawned = std::thread::Builder::new()
                .name("server-pid".to_owned())
                .spawn(move || pass_on(&inotify, &told));
            if let Err(error) = spawned {
                tracing::warn!(%error, "no thread for notices of server.pid; looking once a second");
            }
        }
        Err(error) => tracing::warn!(%error, "no notices of server.pid; looking once a second"),
    }
    changed
}

fn listen(dirs: &[PathBuf]) -> nix::Result<Inotify> {
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
    let flags =
        AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_DELETE;
    dirs.iter()
        .try_for_each(|dir| inotify.add_watch(dir, flags).map(|_| ()))?;
    Ok(inotify)
}

fn pass_on(inotify: &Inotify, told: &Weak<Notify>) {
    while let Some(changed) = told.upgrade() {
        match inotify.read_events() {
            // Agents also write other files beside it, which do not count.
            Ok(events)
                if events
                    .iter()
                    .any(|event| event.name.as_deref() == Some(SERVER_PID_FILE.as_ref())) =>
            {
                changed.notify_one();
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                drop(changed);
                // Whatever this says, the next read tells.
                let _ = poll(
                    &mut [PollFd::new(inotify.as_fd(), PollFlags::POLLIN)],
                    1_000_u16,
                );
            }
            Err(_) => return,
        }
    }
}

/// The pid in the file, if that process lives.
fn read(node_dir: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(node_dir.join(SERVER_PID_FILE)).ok()?;
    let pid: i32 = text.trim().parse().ok().filter(|pid| *pid > 1)?;
    lives(pid).then_some(pid)
}

/// Whether the process exists and is more than a zombie.
fn lives(pid: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The name in parentheses may hold anything; the state follows its last one.
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.trim_start().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn believes_only_a_living_process() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(SERVER_PID_FILE);
        assert_eq!(read(dir.path()), None);
        let own = std::process::id() as i32;
        for (text, expected) in [
            (format!("{own}\n"), Some(own)),
            ("999999999".into(), None),
            ("0".into(), None),
            ("x".into(), None),
        ] {
            std::fs::write(&file, &text).unwrap();
            assert_eq!(read(dir.path()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_zombie_is_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id() as i32;
        std::thread::sleep(Duration::from_millis(200));
        assert!(!lives(pid));
        child.wait().unwrap();
    }
}
