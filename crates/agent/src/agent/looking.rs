//! Regular looks at redis-server, on a connection of their own.

use super::Notice;
use super::sampling::Sampler;
use crate::server::{Info, Link, LinkError, Masterauth, Replication, Role, Trail};
use holdfast_core::agent::ServerInfo;
use holdfast_core::dataset::Files;
use holdfast_core::time::Millis;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Pace of full looks (memory, keys); the others only see replication.
const FULL_EVERY: Duration = Duration::from_secs(1);

/// A look waits no longer than this for the files: a disk that stands still must not hide how redis-server is.
const BRIEFLY: Duration = Duration::from_millis(100);

/// The first look after the data were loaded waits longer: a node whose files were not compared has no vote.
const PATIENTLY: Duration = Duration::from_secs(5);

/// The first look.
pub(super) async fn first(
    link: &mut Link,
    sampler: &mut Sampler,
) -> Result<(bool, ServerInfo), LinkError> {
    let info = link.info().await?;
    let files = if info.loading {
        None
    } else {
        sampler.sample(PATIENTLY).await
    };
    Ok((info.loading, with_files(&info, files)))
}

/// What the core needs of a full look.
pub(super) fn full(info: &Info) -> ServerInfo {
    ServerInfo {
        incarnation: info.run_id.clone(),
        ailing: (info.persistence.aof_enabled && !info.persistence.aof_write_ok)
            || !info.persistence.last_save_ok,
        loading: info.loading,
        persisted: appends_as_wanted(info) && !info.persistence.aof_rewrite_in_progress,
        log_off: info.persistence.aof_configured && !info.persistence.aof_enabled && !info.loading,
        settles_in: settles_in(info),
        on_disk: info.persistence.aof_enabled
            && info.persistence.aof_write_ok
            && !info.persistence.aof_rewrite_in_progress
            && !info.loading,
        stamp: info.stamp,
        keys: info.keys,
        keys_at: info.replication.offset,
        memory_bytes: info.used_memory,
        server: info.server.clone(),
        ..glance(&info.replication)
    }
}

/// What is written once a second is on the disk after two. Otherwise the kernel writes it, within half a minute.
fn settles_in(info: &Info) -> Option<Millis> {
    let within = if info.persistence.syncs {
        2_000
    } else {
        60_000
    };
    (!info.persistence.sync_pending).then_some(within)
}

/// Whether all goes to the files that the next start will read.
fn appends_as_wanted(info: &Info) -> bool {
    !info.loading && info.persistence.aof_enabled == info.persistence.aof_wanted
}

/// A look with its files. They hold what it tells: a reply is sent after what came before it was written. An append-only file
/// whose manifest names all of it goes on while it is rewritten.
fn with_files(info: &Info, files: Option<Files>) -> ServerInfo {
    let seen = full(info);
    let goes_on = |files: &Files| files.log.iter().any(|file| file.seq > 0) && !files.unfinished;
    let persisted =
        seen.persisted || (appends_as_wanted(info) && files.as_ref().is_some_and(goes_on));
    ServerInfo {
        persisted,
        logged: persisted && info.persistence.aof_enabled && info.persistence.aof_write_ok,
        files,
        ..seen
    }
}

/// One look.
#[derive(Debug)]
pub(crate) enum Look {
    /// At all that counts.
    Thorough(ServerInfo),
    /// At replication alone.
    Glance(ServerInfo),
}

/// What redis-server says of replication.
fn glance(replication: &Replication) -> ServerInfo {
    ServerInfo {
        is_master: replication.role == Role::Primary,
        replid: replication.replid.clone(),
        before: replication.before.clone(),
        offset: replication.offset,
        link_up: replication.link_up,
        syncing: replication.sync_in_progress,
        fenced: replication.fenced,
        replicas: replication.connected_replicas.len(),
        ..ServerInfo::default()
    }
}

/// What a copy that failed since the last look left in the log. Read only where a link is down, after a copy that was seen, and with
/// every thorough look: a small copy begins and fails between two looks, and a streamed one is asked for again at once.
fn copy_failed(
    before: &ServerInfo,
    now: &ServerInfo,
    thorough: bool,
    trail: &mut Trail,
) -> Option<String> {
    if now.link_up || now.is_master {
        trail.begin();
        return None;
    }
    let ended = before.syncing && !now.syncing;
    (ended || thorough).then(|| trail.news()).flatten()
}

/// What looks at one server remember.
pub(super) struct Eyes {
    pub(super) sampler: Sampler,
    pub(super) trail: Trail,
    pub(super) masterauth: Masterauth,
    /// Copies for replicas are streamed, since this disk takes no files.
    pub(super) streams: bool,
}

/// A primary whose disk takes no files streams its copies to replicas: without them none could take over. The next
/// promotion sets that back.
async fn stream_copies(link: &mut Link, eyes: &mut Eyes, seen: &ServerInfo) {
    let needed = seen.is_master && seen.ailing;
    if needed && !eyes.streams {
        let set = link.command(&["CONFIG", "SET", "repl-diskless-sync", "yes"]);
        eyes.streams = set.await.is_ok();
    }
    eyes.streams &= seen.is_master;
}

/// One look, thorough or light, and what redis-server says of replication.
async fn see(
    link: &mut Link,
    sampler: &mut Sampler,
    thorough: bool,
) -> Result<(ServerInfo, Replication), LinkError> {
    if thorough {
        let info = link.info().await?;
        let files = sampler.sample(BRIEFLY).await;
        return Ok((with_files(&info, files), info.replication));
    }
    let replication = link.replication().await?;
    Ok((glance(&replication), replication))
}

/// When looks are due, and how thorough.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    every: Rc<Cell<Millis>>,
    /// Ends a pause that has become too long.
    waker: Rc<tokio::sync::Notify>,
    /// The next look is to see all.
    all: Rc<Cell<bool>>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            every: Rc::new(Cell::new(100)),
            waker: Rc::default(),
            all: Rc::default(),
        }
    }

    /// Milliseconds between two looks.
    pub(super) fn set(&self, every: Millis) {
        if self.every.replace(every) > every {
            self.waker.notify_one();
        }
    }

    /// The next look is a thorough one.
    pub(super) fn see_all(&self) {
        self.all.set(true);
    }

    async fn pause(&self) {
        let pause = Duration::from_millis(self.every.get().max(1));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.waker.notified() => {}
        }
    }
}

/// Looks for ever.
pub(super) async fn look(
    pid: u32,
    mut link: Link,
    mut eyes: Eyes,
    pace: Pace,
    inbox: mpsc::Sender<Notice>,
) {
    let mut seen = ServerInfo::default();
    let mut full_at: Option<Instant> = None;
    loop {
        let thorough = pace.all.take()
            || seen.loading
            || seen.syncing
            || !seen.persisted
            || (link.has_stamps() && !seen.on_disk)
            || full_at.is_none_or(|at| at.elapsed() >= FULL_EVERY);
        let begun = super::now();
        let looked = see(&mut link, &mut eyes.sampler, thorough).await;
        // What cannot be seen is told by the probe, not by a missed look.
        if let Ok((info, replication)) = looked {
            if let Some(word) = eyes.masterauth.look(Instant::now(), &replication) {
                // Where that fails it is tried again like any other look.
                let _ = link.command(&["CONFIG", "SET", "masterauth", word]).await;
            }
            if let Some(why) = copy_failed(&seen, &info, thorough, &mut eyes.trail)
                && inbox.send(Notice::CopyFailed(pid, why)).await.is_err()
            {
                return;
            }
            let look = if thorough {
                full_at = Some(Instant::now());
                seen = info.clone();
                Look::Thorough(info)
            } else {
                seen = seen.after(info.clone());
                Look::Glance(info)
            };
            stream_copies(&mut link, &mut eyes, &seen).await;
            if inbox.send(Notice::Looked(pid, begun, look)).await.is_err() {
                return;
            }
        }
        pace.pause().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_tells_the_names_of_the_history() {
        let replication = Replication {
            replid: "now".to_owned(),
            before: Some(("before".to_owned(), 14)),
            ..Replication::default()
        };
        let seen = ServerInfo::default().after(glance(&replication));
        assert_eq!(
            (seen.replid, seen.before),
            (replication.replid, replication.before)
        );
    }
}
