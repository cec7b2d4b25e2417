//! What an agent keeps on disk: who it is, what it has promised, how far its data reached.

use crate::agent::Notice;
use holdfast_core::agent::Stored;
use holdfast_core::names::{Cluster, Group, Node};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc as std_mpsc;
use tokio::sync::mpsc;

/// Version of the file's format.
const FORMAT: u32 = 1;

/// Writes that may wait for a slow disk; each holds everything, so the newest is enough.
const WAITING_MAX: usize = 64;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Content {
    holdfast_agent: u32,
    cluster: Cluster,
    group: Group,
    node: Node,
    /// Drawn when this memory was made: tells a volume from another one under the same name.
    volume: String,
    stored: Stored,
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
        let path = dir.join("agent.json");
        let fail = |what, error| MemoryError::Io {
            what,
            path: path.clone(),
            error,
        };
        std::fs::create_dir_all(dir).map_err(|e| fail("create the directory of", e))?;
        let content = match std::fs::read(&path) {
            Ok(bytes) => read(&path, &bytes, cluster, node)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content {
                holdfast_agent: FORMAT,
                cluster: cluster.clone(),
                group: group.clone(),
                node: node.clone(),
                volume,
                stored: Stored::default(),
            },
            Err(error) => return Err(fail("read", error)),
        };
        write(&path, &content, true).map_err(|e| fail("write", e))?;
        let stored = content.stored.clone();
        let (sender, receiver) = std_mpsc::sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("memory".into());
        thread
            .spawn(move || run(&path, content, &receiver, &inbox))
            .map_err(|error| MemoryError::Io {
                what: "start the thread that writes",
                path: dir.join("agent.json"),
                error,
            })?;
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

fn read(path: &Path, bytes: &[u8], cluster: &Cluster, node: &Node) -> Result<Content, MemoryError> {
    let damaged = |why: String| MemoryError::Damaged {
        path: path.to_owned(),
        why,
    };
    let content: Content = serde_json::from_slice(bytes).map_err(|e| damaged(e.to_string()))?;
    if content.holdfast_agent > FORMAT {
        return Err(damaged(format!(
            "format {} is newer than this Holdfast",
            content.holdfast_agent
        )));
    }
    if content.cluster != *cluster || content.node != *node {
        let owner = format!("{} of cluster {}", content.node, content.cluster);
        return Err(MemoryError::Foreign {
            path: path.to_owned(),
            owner,
            me: format!("{node} of cluster {cluster}"),
        });
    }
    Ok(content)
}

fn run(
    path: &Path,
    mut content: Content,
    receiver: &std_mpsc::Receiver<(Stored, bool)>,
    inbox: &mpsc::Sender<Notice>,
) {
    let mut failing = false;
    while let Ok((stored, durable)) = receiver.recv() {
        content.stored = stored;
        loop {
            match write(path, &content, durable) {
                Ok(()) => failing = false,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(
                            "write {}: {error}; this node takes no order until that works",
                            path.display()
                        );
                    }
                    if durable {
                        std::thread::sleep(std::time::Duration::from_millis(200));
                        continue;
                    }
                }
            }
            break;
        }
        let promised = content.stored.promised;
        if durable && inbox.blocking_send(Notice::Stored(promised)).is_err() {
            return;
        }
    }
}

fn write(path: &Path, content: &Content, durable: bool) -> io::Result<()> {
    let next = path.with_extension("next");
    let mut file = File::create(&next)?;
    file.write_all(&serde_json::to_vec(content)?)?;
    if durable {
        file.sync_all()?;
    }
    std::fs::rename(&next, path)?;
    if let (true, Some(dir)) = (durable, path.parent()) {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}
