//! What a server keeps on its disk.

use super::server::Replid;
use std::sync::Arc;

/// How a server keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing on purpose (`save ""`, `appendonly no`).
    Nothing,
    /// A dump at [`super::Command::Save`]; it carries the position.
    Dump,
    /// Append-only file, fsync once a second; it carries no position.
    AppendEverySecond,
}

/// A whole data set at one moment, with the history that it belongs to.
#[derive(Clone, Debug)]
pub struct Image {
    /// The values, in the order of their writes.
    pub data: Arc<Vec<u64>>,
    /// Its history and offset, when the server had one.
    pub position: Option<(Replid, u64)>,
}

/// A server's data directory.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// `dump.rdb`: from a save, or left over from a full resync.
    pub dump: Option<Image>,
    /// The append-only file, as written; a process's death loses nothing of it.
    pub log: Option<Vec<u64>>,
    /// Entries of the append-only file that a power loss cannot take.
    pub synced: usize,
}

impl Files {
    /// The machine lost power: `kept_tail` of the unsynced entries happened to reach the disk.
    pub fn lose_power(&mut self, kept_tail: usize) {
        if let Some(log) = &mut self.log {
            log.truncate(self.synced.saturating_add(kept_tail));
            self.synced = log.len();
        }
    }

    /// Whether any data is here.
    pub fn is_blank(&self) -> bool {
        let dump = self.dump.as_ref().is_none_or(|image| image.data.is_empty());
        dump && self.log.as_ref().is_none_or(Vec::is_empty)
    }
}
