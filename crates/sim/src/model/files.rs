//! What a server keeps on its disk.

use super::server::Replid;
use holdfast_core::snapshot_format::SnapshotFormat;
use holdfast_core::stamp::Stamp;
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
    /// Append-only file, fsync before anything is answered or acknowledged.
    AppendAlways,
}

impl Persistence {
    /// Whether there is an append-only file.
    pub fn appends(self) -> bool {
        matches!(self, Self::AppendEverySecond | Self::AppendAlways)
    }
}

/// One entry of the append-only file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// A client's value.
    Value(u64),
    /// A barrier's stamp, in a database that no client uses.
    Stamp(Stamp),
    /// `FLUSHALL`.
    Flush,
}

/// A whole data set at one moment, with the history that it belongs to.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// The values, in the order of their writes.
    pub data: Arc<Vec<u64>>,
    /// Its history and offset, when the server had one.
    pub position: Option<(Replid, u64)>,
    /// The stamp in it.
    pub stamp: Option<Stamp>,
    /// In which format it is, in runs where that counts.
    pub format: Option<SnapshotFormat>,
}

impl Image {
    /// What an append-only file holds.
    pub(super) fn of_log(log: &[Logged]) -> Self {
        let mut image = Self::default();
        let mut data = Vec::with_capacity(log.len());
        for entry in log {
            match entry {
                Logged::Value(value) => data.push(*value),
                Logged::Stamp(stamp) => image.stamp = Some(*stamp),
                Logged::Flush => {
                    data.clear();
                    image.stamp = None;
                }
            }
        }
        image.data = Arc::new(data);
        image
    }

    /// The append-only file that holds this.
    pub(super) fn to_log(data: &[u64], stamp: Option<Stamp>) -> Vec<Logged> {
        let values = data.iter().copied().map(Logged::Value);
        values.chain(stamp.map(Logged::Stamp)).collect()
    }
}

/// A server's data directory.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// `dump.rdb`: from a save, or left over from a full resync.
    pub dump: Option<Image>,
    /// The append-only file, as written; a process's death loses nothing of it.
    pub log: Option<Vec<Logged>>,
    /// Entries of the append-only file that a power loss cannot take.
    pub synced: usize,
    /// In which format the beginning of it is, in runs where that counts.
    pub log_format: Option<SnapshotFormat>,
    /// Append-only files that no manifest names: redis-server starts as if they were not there.
    pub ignored: Option<Vec<Logged>>,
    /// How often the append-only file was written again: part of its name.
    pub rewrites: u64,
    /// The append-only file is older than a copy that was not written out, as the names of the files show.
    pub unfinished: bool,
}

impl Files {
    /// The machine lost power: `kept_tail` of the unsynced entries happened to reach the disk.
    pub fn lose_power(&mut self, kept_tail: usize) {
        if let Some(log) = &mut self.log {
            log.truncate(self.synced.saturating_add(kept_tail));
            self.synced = log.len();
        }
    }

    /// The values among the first `entries` of the append-only file.
    pub fn first_entries(&self, entries: u64) -> Vec<u64> {
        let log = self.log.iter().flatten().take(entries as usize);
        let value = |entry: &Logged| match entry {
            Logged::Value(value) => Some(*value),
            Logged::Stamp(_) | Logged::Flush => None,
        };
        log.filter_map(value).collect()
    }

    /// Whether there is no file at all: a new volume.
    pub fn is_bare(&self) -> bool {
        self.dump.is_none() && self.log.is_none() && self.ignored.is_none()
    }

    /// Whether no key is here.
    pub fn is_blank(&self) -> bool {
        let dump = self.dump.as_ref().is_none_or(|image| image.data.is_empty());
        let logs = [&self.log, &self.ignored];
        dump && logs.into_iter().flatten().all(Vec::is_empty)
    }
}
