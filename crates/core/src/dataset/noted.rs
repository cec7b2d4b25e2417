//! What a position was noted for, and whether the data that a run found are that.

use super::{FileMark, Files};
use crate::mutant::Mutant;
use crate::position::Position;
use serde::{Deserialize, Serialize};

/// What a position was noted for: one look at redis-server, and at its files after that. They hold at least what it stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Noted {
    /// Keys in all databases of clients.
    pub keys: u64,
    /// Name of the history that they were of.
    pub replid: String,
    /// The files, of the append-only ones the first and the last.
    pub files: Files,
    /// How far the data reached. None in a note by an older version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// redis-server had ended in order: these files are its last, and the keys were counted before.
    pub rested: bool,
}

/// What a run of redis-server found and made of it.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The files before redis-server was started.
    pub before: &'a Files,
    /// Fingerprint of the bytes before the noted length, in the file that the note names last; none where it is missing
    /// or shorter.
    pub noted_tail: Option<u64>,
    /// The files once it has loaded them, where they were looked at.
    pub after: Option<&'a Files>,
    /// Keys that it has loaded.
    pub keys: u64,
}

impl Noted {
    /// Why the data that a run found are not those that were noted, or their continuation; none if they are.
    pub fn mismatch(&self, found: &Found<'_>, mutant: Mutant) -> Option<String> {
        let why = match (self.files.log.last(), &self.files.snapshot) {
            (Some(noted), _) => self.log_mismatch(noted, found, mutant),
            (None, Some(noted)) => self.snapshot_mismatch(noted, found),
            (None, None) => None,
        }?;
        Some(format!(
            "{} in memory, {} {}: {why}",
            keys(found.keys),
            were(self.keys),
            if self.rested {
                "noted at the last count"
            } else {
                "noted"
            }
        ))
    }

    /// Whether what it tells of the end of the data can be looked for in these files: not after a rewrite.
    pub fn is_of(&self, before: &Files) -> bool {
        let last = self.files.log.last();
        last.is_none_or(|noted| named(before, noted).is_some())
    }

    /// Whether these files can be told from those of any other data set by this note, which they bear out. An empty file looks
    /// like any other, and a snapshot says nothing of append-only files.
    pub fn recognizes(&self, before: &Files) -> bool {
        let told = match self.files.log.as_slice() {
            [] => before.log.is_empty(),
            [only] => only.bytes > 0,
            _ => true,
        };
        told && self.is_of(before)
    }

    /// Whether both tell of the same files, however far those have grown.
    pub fn same_files(&self, other: &Self) -> bool {
        let name = |note: &Self| {
            note.files
                .log
                .last()
                .map(|file| (file.seq, file.name.clone()))
        };
        name(self) == name(other)
    }

    fn log_mismatch(&self, noted: &FileMark, found: &Found<'_>, mutant: Mutant) -> Option<String> {
        let blind = mutant == Mutant::LoadWhatWasTruncated;
        if found.before.log.is_empty() {
            return Some("the append-only file is missing".to_owned());
        }
        let Some(file) = named(found.before, noted) else {
            return self.other_log(noted, found);
        };
        if file.bytes < noted.bytes && !blind {
            return Some(shorter(noted, file.bytes, "it"));
        }
        let loaded = found.after.and_then(|files| named(files, noted));
        let cut = loaded.filter(|file| file.bytes < noted.bytes);
        if let Some(file) = cut.filter(|_| !blind) {
            return Some(shorter(noted, file.bytes, "after redis-server cut it, it"));
        }
        if file.bytes >= noted.bytes && found.noted_tail != Some(noted.tail) {
            return Some(format!("{} is another file of that name", noted.name));
        }
        let unread = file.bytes == noted.bytes && self.is_emptied(found);
        self.base_mismatch(found.before)
            .or_else(|| unread.then(|| "redis-server read none of them".to_owned()))
    }

    /// The last file that was noted is in use no more: after a rewrite of the append-only file that is as it should be.
    fn other_log(&self, noted: &FileMark, found: &Found<'_>) -> Option<String> {
        let newest = found.before.log.iter().map(|file| file.seq).max();
        if newest.is_some_and(|seq| seq < noted.seq) {
            return Some(format!(
                "the append-only files are of before {}",
                noted.name
            ));
        }
        self.is_emptied(found)
            .then(|| format!("{} was replaced by files without a key", noted.name))
    }

    /// Nothing was loaded where there were keys. A client may have deleted them between the last count and an end in order.
    fn is_emptied(&self, found: &Found<'_>) -> bool {
        found.keys == 0 && self.keys > 0 && !self.rested
    }

    /// The base under the increment must be the noted one or a later one.
    fn base_mismatch(&self, before: &Files) -> Option<String> {
        let [noted, .., last] = self.files.log.as_slice() else {
            return None;
        };
        let same = |file: &&FileMark| file.seq == noted.seq && file.name == noted.name;
        match before.log.iter().find(same) {
            Some(file) if file.bytes == noted.bytes && file.head == noted.head => None,
            Some(_) => Some(format!("{} is another file of that name", noted.name)),
            None => {
                let bare = |file: &FileMark| file.seq < noted.seq || file.name == last.name;
                before
                    .log
                    .first()
                    .is_none_or(bare)
                    .then(|| format!("{} is missing", noted.name))
            }
        }
    }

    /// A snapshot is replaced as a whole, and tells by its replication id whose it is; where that is not known to the group
    /// only the noted one counts.
    fn snapshot_mismatch(&self, noted: &FileMark, found: &Found<'_>) -> Option<String> {
        match &found.before.snapshot {
            _ if !found.before.log.is_empty() => self
                .is_emptied(found)
                .then(|| "the append-only files that were read hold no key".to_owned()),
            None => Some(format!("{} is missing", noted.name)),
            Some(file) if file == noted => None,
            Some(_) => Some(format!("{} is another file of that name", noted.name)),
        }
    }
}

/// The file that was noted. One outside a manifest is replaced under the same name by a rewrite: its head tells.
fn named<'a>(files: &'a Files, noted: &FileMark) -> Option<&'a FileMark> {
    let same = |file: &&FileMark| {
        file.name == noted.name
            && file.seq == noted.seq
            && (noted.seq > 0 || file.head == noted.head)
    };
    files.log.iter().find(same)
}

fn shorter(noted: &FileMark, bytes: u64, what: &str) -> String {
    format!(
        "{}: {what} has {bytes} bytes, and had {} when it was noted",
        noted.name, noted.bytes
    )
}

fn keys(number: u64) -> String {
    format!("{number} {}", if number == 1 { "key" } else { "keys" })
}

fn were(number: u64) -> String {
    format!("{number} {}", if number == 1 { "was" } else { "were" })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
