//! Regular looks at redis-server, on a connection of their own.

use super::Notice;
use crate::server::{Info, Link, Replication, Role};
use holdfast_core::agent::ServerInfo;
use holdfast_core::time::Millis;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Pace of full looks (memory, keys); the others only see replication.
const FULL_EVERY: Duration = Duration::from_secs(1);

/// What the core needs of a full look.
pub(super) fn full(info: &Info) -> ServerInfo {
    ServerInfo {
        incarnation: info.run_id.clone(),
        ailing: (info.persistence.aof_enabled && !info.persistence.aof_write_ok)
            || !info.persistence.last_save_ok,
        loading: info.loading,
        persisted: !info.loading && !info.persistence.aof_rewrite_in_progress,
        on_disk: info.persistence.aof_enabled
            && info.persistence.aof_write_ok
            && !info.persistence.aof_rewrite_in_progress
            && !info.loading,
        stamp: info.stamp,
        keys: info.keys,
        memory_bytes: info.used_memory,
        ..light(&ServerInfo::default(), &info.replication)
    }
}

/// A light look, on top of what was seen before. A link that has come up since may have brought a copy.
pub(super) fn light(before: &ServerInfo, replication: &Replication) -> ServerInfo {
    ServerInfo {
        on_disk: before.on_disk && before.link_up == replication.link_up,
        is_master: replication.role == Role::Primary,
        replid: replication.replid.clone(),
        before: replication.before.clone(),
        offset: replication.offset,
        link_up: replication.link_up,
        syncing: replication.sync_in_progress,
        fenced: replication.fenced,
        replicas: replication.connected_replicas.len(),
        ..before.clone()
    }
}

/// Looks for ever, at the pace that `every` says.
pub(super) async fn look(
    pid: u32,
    mut link: Link,
    every: Rc<Cell<Millis>>,
    waker: Rc<tokio::sync::Notify>,
    inbox: mpsc::Sender<Notice>,
) {
    let mut seen = ServerInfo::default();
    let mut full_at: Option<Instant> = None;
    loop {
        let thorough = seen.loading
            || (link.has_stamps() && !seen.on_disk)
            || full_at.is_none_or(|at| at.elapsed() >= FULL_EVERY);
        let begun = super::now();
        let looked = if thorough {
            link.info().await.map(|info| full(&info))
        } else {
            link.replication()
                .await
                .map(|replication| light(&seen, &replication))
        };
        // What cannot be seen is told by the probe, not by a missed look.
        if let Ok(info) = looked {
            if thorough {
                full_at = Some(Instant::now());
            }
            seen = info.clone();
            if inbox.send(Notice::Looked(pid, begun, info)).await.is_err() {
                return;
            }
        }
        let pause = Duration::from_millis(every.get().max(1));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = waker.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_look_tells_the_names_of_the_history() {
        let replication = Replication {
            replid: "now".to_owned(),
            before: Some(("before".to_owned(), 14)),
            ..Replication::default()
        };
        let seen = light(&ServerInfo::default(), &replication);
        assert_eq!(
            (seen.replid, seen.before),
            (replication.replid, replication.before)
        );
    }
}
