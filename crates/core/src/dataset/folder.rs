//! Files that redis-server would ignore, or fall over, at its next start.
//!
//! redis-server reads the append-only file or the snapshot, never both, and begins an empty append-only file where it finds
//! no manifest, over whatever lies there. So before it is started somebody has to look at what it would not read.

use super::{Files, Noted};
use crate::mutant::Mutant;

/// A file that holds data, for a person to be told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LyingFile {
    /// Its path below the data folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, in seconds since 1970.
    pub modified_s: u64,
}

/// A data folder before redis-server is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataFolder {
    /// The files in use.
    pub files: Files,
    /// The folder of the append-only files is there, with a manifest or without.
    pub log_folder: bool,
    /// What is wrong with the manifest that is there, or with what it names.
    pub damage: Option<String>,
    /// Append-only files that hold data: those that a manifest names, or all where there is none.
    pub log_files: Vec<LyingFile>,
    /// The snapshot, if it holds a key.
    pub snapshot: Option<LyingFile>,
    /// Replication id in the snapshot, where it has one.
    pub snapshot_replid: Option<String>,
    /// redis-server wrote its log after the snapshot came to where it is, so the snapshot was there while it ran.
    pub snapshot_outlived: bool,
}

impl DataFolder {
    /// Why redis-server must not be started on this folder; `appends`: it is configured to use an append-only file.
    pub fn refusal(&self, appends: bool, noted: Option<&Noted>, mutant: Mutant) -> Option<String> {
        if mutant == Mutant::StartBesideIgnoredFiles {
            return None;
        }
        if !appends {
            return self.log_ignored();
        }
        self.damage
            .as_ref()
            .map(|damage| self.damaged(damage))
            .or_else(|| self.unnamed())
            .or_else(|| self.snapshot_ignored(noted))
            .or_else(|| self.newer_snapshot_ignored(noted))
    }

    fn damaged(&self, damage: &str) -> String {
        let lying = said_of(&self.log_files);
        format!(
            "the append-only files cannot be read as they are: {damage}; {lying}. Put the missing files back, or move \
             appendonlydir away to go on without what it holds"
        )
    }

    fn unnamed(&self) -> Option<String> {
        let ignored = self.files.log.is_empty() && !self.log_files.is_empty();
        ignored.then(|| {
            format!(
                "appendonlydir has no manifest, so redis-server would ignore, and overwrite, {}. Put the manifest \
                 appendonly.aof.manifest back, or move appendonlydir away to go on without what it holds",
                said_of(&self.log_files)
            )
        })
    }

    /// The only data set is a snapshot: an append-only file is begun once that has been read.
    pub fn is_only_snapshot(&self) -> bool {
        self.snapshot.is_some() && self.files.log.is_empty() && self.log_files.is_empty()
    }

    /// Whether redis-server is to read the snapshot first and begin an append-only file after that. So too where the append-only
    /// file got nothing yet: a node that ends between its first copy and the end of the rewrite after it has that copy in the
    /// snapshot alone. Not where the noted data had no key: then the snapshot is of before.
    pub fn begins_with_snapshot(&self, noted: Option<&Noted>) -> bool {
        let bare = self.damage.is_none() && self.log_files.is_empty();
        let emptied = noted.is_some_and(|noted| noted.keys == 0);
        self.is_only_snapshot() || (self.snapshot.is_some() && bare && !emptied)
    }

    /// An empty folder of append-only files is one that was begun and not finished where the snapshot was all that was noted.
    fn snapshot_ignored(&self, noted: Option<&Noted>) -> Option<String> {
        let snapshot = self.snapshot.as_ref().filter(|_| self.log_folder)?;
        let begun = |noted: &Noted| {
            noted.files.log.is_empty() && noted.files.snapshot == self.files.snapshot
        };
        let ignored = self.is_only_snapshot() && !noted.is_some_and(begun);
        ignored.then(|| {
            format!(
                "appendonlydir is empty, so redis-server would start without data and ignore {}. Remove the empty folder \
                 appendonlydir to start from the snapshot, or move dump.rdb away to start without data",
                said(snapshot)
            )
        })
    }

    /// The newest file of a node with an append-only file is often a snapshot of its own. One of another history was
    /// put there, unless redis-server ran after that: in the moment of a promotion it begins a history that was never noted.
    /// And where there was no append-only file when the position was noted, the snapshot is all of its data.
    fn newer_snapshot_ignored(&self, noted: Option<&Noted>) -> Option<String> {
        let (snapshot, noted) = (self.snapshot.as_ref()?, noted?);
        let older = |file: &LyingFile| file.modified_s < snapshot.modified_s;
        let newest = !self.log_files.is_empty() && self.log_files.iter().all(older);
        let own = self.snapshot_replid.as_ref() == Some(&noted.replid);
        let known = noted.files.snapshot == self.files.snapshot;
        let was_all = noted.files.log.is_empty() && noted.files.snapshot.is_some();
        let put_there = !own && !known && !self.snapshot_outlived && !noted.replid.is_empty();
        let ignored = newest && (was_all || put_there);
        ignored.then(|| {
            format!(
                "redis-server would read the append-only files, {}, and ignore {}, which is newer and holds other data. \
                 Move dump.rdb away to go on from the append-only files, or move appendonlydir away to start from the snapshot",
                said_of(&self.log_files),
                said(snapshot)
            )
        })
    }

    fn log_ignored(&self) -> Option<String> {
        let log = self.log_files.iter().map(|file| file.modified_s).max()?;
        let newer = self
            .snapshot
            .as_ref()
            .is_none_or(|file| file.modified_s < log);
        newer.then(|| {
            let snapshot = self.snapshot.as_ref().map_or_else(
                || "there is no snapshot with a key".to_owned(),
                |file| format!("the snapshot is older: {}", said(file)),
            );
            format!(
                "`appendonly no` is set, so redis-server would ignore {}, and {snapshot}. Set `appendonly yes` to go on from \
                 the append-only files, or move appendonlydir away to go on without them",
                said_of(&self.log_files)
            )
        })
    }
}

fn said_of(files: &[LyingFile]) -> String {
    let (shown, rest) = files.split_at(files.len().min(3));
    let mut all: Vec<String> = shown.iter().map(said).collect();
    if !rest.is_empty() {
        all.push(format!("{} more", rest.len()));
    }
    if all.is_empty() {
        "no file in appendonlydir holds data".to_owned()
    } else {
        all.join(", ")
    }
}

fn said(file: &LyingFile) -> String {
    let when = crate::time::utc(file.modified_s);
    format!("{} ({} bytes, changed {when})", file.name, file.bytes)
}

#[cfg(test)]
mod tests;
