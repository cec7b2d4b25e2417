//! What an agent keeps on disk: who it is, what it has promised, how far its data reached.

use crate::agent::Notice;
use holdfast_core::agent::Stored;
use holdfast_core::names::{Cluster, Group, Node};
use holdfast_journal::{Found, Journal, read};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc as std_mpsc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Version of the file's format.
const FORMAT: u32 = 1;

/// Writes that may wait for a slow disk; each holds everything, so the newest is enough.
const WAITING_MAX: usize = 64;

/// Pause before a promise that could not be written is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// Room in bytes: some 100 notes before the newest moves to a new file.
const ROOM: u64 = 64 << 10;

/// The key under which the newest content stands.
const STORED: &str = "stored";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    holdfast_agent: u32,
    cluster: Cluster,
    group: Group,
    node: Node,
    /// Drawn when this memory was made: tells a volume from another one under the same name.
    volume: String,
}

/// Why the memory cannot be used. Each is for a person to mend; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The file cannot be read or written.
    #[error("{what} {path}: {error}", path = .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// It does not read.
    #[error("{path} is damaged ({why}): the node's data cannot be told from a stranger's; move {path} away to have it quarantined, or delete the node's data as well to have it copied anew", path = .path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It is somebody else's.
    #[error("{path} belongs to {owner}; this is {me}: give each node a directory of its own", path = .path.display())]
    Foreign {
        /// Where.
        path: PathBuf,
        /// Whose it is.
        owner: String,
        /// Who asks.
        me: String,
    },
}

/// The way to the memory, which is written by a thread of its own.
pub(crate) struct Memory(std_mpsc::SyncSender<(Stored, bool)>);

impl Memory {
    /// Opens the memory in `dir`, or makes a new one.
    ///
    /// # Errors
    /// When it cannot be read or written, is damaged, or is somebody else's.
    pub(crate) fn open(
        dir: &Path,
        (cluster, group, node): (&Cluster, &Group, &Node),
        volume: String,
        inbox: mpsc::Sender<Notice>,
    ) -> Result<(Self, Stored), MemoryError> {
        let path = dir.join("memory");
        let fail = |what, error| MemoryError::Io {
            what,
            path: path.clone(),
            error,
        };
        std::fs::create_dir_all(dir).map_err(|e| fail("create the directory of", e))?;
        let damaged = |why: String| MemoryError::Damaged {
            path: path.clone(),
            why,
        };
        let fresh = || Header {
            holdfast_agent: FORMAT,
            cluster: cluster.clone(),
            group: group.clone(),
            node: node.clone(),
            volume: volume.clone(),
        };
        let (header, texts) = match read(&path).map_err(|e| fail("read", e))? {
            Found::Nothing => (fresh(), BTreeMap::new()),
            Found::Damaged(line) => return Err(damaged(format!("line {line}"))),
            Found::Whole { header, texts } => (check(&path, &header, cluster, node)?, texts),
        };
        let stored = match texts.get(STORED) {
            Some(text) => serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?,
            None => Stored::default(),
        };
        let header = serde_json::to_string(&header).map_err(|e| damaged(e.to_string()))?;
        let journal =
            Journal::create(&path, &header, &texts, ROOM).map_err(|e| fail("write", e))?;
        let (sender, receiver) = std_mpsc::sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("memory".into());
        thread
            .spawn(move || run(journal, &receiver, &inbox))
            .map_err(|e| fail("start the thread that writes", e))?;
        Ok((Self(sender), stored))
    }

    /// Has `stored` written; with `durable` also synced and answered. A note without that may be dropped.
    pub(crate) fn write(&self, stored: Stored, durable: bool) {
        if durable {
            // The core waits for the answer, so at most one of these is under way.
            let _ = self.0.send((stored, true));
        } else {
            let _ = self.0.try_send((stored, false));
        }
    }
}

fn check(path: &Path, header: &str, cluster: &Cluster, node: &Node) -> Result<Header, MemoryError> {
    let damaged = |why: String| MemoryError::Damaged {
        path: path.to_owned(),
        why,
    };
    let header: Header = serde_json::from_str(header).map_err(|e| damaged(e.to_string()))?;
    if header.holdfast_agent > FORMAT {
        return Err(damaged(format!(
            "format {} is newer than this Holdfast",
            header.holdfast_agent
        )));
    }
    if header.cluster != *cluster || header.node != *node {
        let owner = format!("{} of cluster {}", header.node, header.cluster);
        let me = format!("{node} of cluster {cluster}");
        return Err(MemoryError::Foreign {
            path: path.to_owned(),
            owner,
            me,
        });
    }
    Ok(header)
}

fn run(
    mut journal: Journal,
    receiver: &std_mpsc::Receiver<(Stored, bool)>,
    inbox: &mpsc::Sender<Notice>,
) {
    let mut failing = false;
    while let Ok((stored, durable)) = receiver.recv() {
        // A promise is tried again until it is on disk; a note that fails is followed by the next one.
        loop {
            let written = write(&mut journal, &stored, durable);
            let failed = written.is_err();
            if let (Err(error), false) = (written, failing) {
                tracing::error!(
                    "write the node's memory: {error}; this node takes no order until that works"
                );
            }
            failing = failed;
            if !(failed && durable) {
                break;
            }
            std::thread::sleep(AGAIN);
        }
        if durable
            && inbox
                .blocking_send(Notice::Stored(stored.promised))
                .is_err()
        {
            return;
        }
        if let Err(error) = journal.make_room() {
            tracing::warn!("make room for the node's memory: {error}");
        }
    }
}

fn write(journal: &mut Journal, stored: &Stored, durable: bool) -> io::Result<()> {
    journal.append(STORED, &serde_json::to_string(stored)?)?;
    if durable { journal.sync() } else { Ok(()) }
}
