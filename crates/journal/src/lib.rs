//! A small file that remembers: the newest line of each key, safe from power loss, quick to sync.
//!
//! ```text
//!  ┌ header ┬ line ┬ line ┬ line ┬ 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 ┐  of a fixed length
//!  └────────┴──────┴──────┴──────┴──────── room for more ───────────────┘
//! ```
//!
//! Each line is a checksum, a key and a text. The file is written full of zeros once and then only
//! overwritten, so a sync waits for the disk to take a block, and not for the file system's own journal,
//! which other processes' writes can hold up for hundreds of milliseconds. For the same reason a disk that
//! is full does not stop it. When the room is used up, the newest lines move to a new file.

mod line;

use line::{Parsed, parse};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What an existing file holds.
#[derive(Debug)]
pub enum Found {
    /// There is none, or an empty one.
    Nothing,
    /// Its header, and the newest text of each key.
    Whole {
        /// The header.
        header: String,
        /// Newest text by key.
        texts: BTreeMap<String, String>,
    },
    /// It is damaged at this line.
    Damaged(usize),
}

/// Reads the journal at `path`.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> io::Result<Found> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    Ok(match parse(&bytes) {
        Parsed::Nothing => Found::Nothing,
        Parsed::Damaged(line) => Found::Damaged(line),
        Parsed::Whole(header, texts, _) => Found::Whole { header, texts },
    })
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    header: String,
    lines: BTreeMap<String, String>,
    room: u64,
    used: u64,
    /// What the file holds is not what `lines` holds: it must be written anew.
    dirty: bool,
}

impl Journal {
    /// Writes a journal with this content to `path`, in place of what was there, with room for `room`
    /// bytes. On a full disk a journal that is there already and has this content goes on as it is.
    ///
    /// # Errors
    /// When it cannot be written. What was there before is then still there.
    pub fn create(
        path: &Path,
        header: &str,
        texts: &BTreeMap<String, String>,
        room: u64,
    ) -> io::Result<Self> {
        let lines = texts
            .iter()
            .map(|(key, text)| (key.clone(), line::write(key, text)))
            .collect();
        let (file, used, room) = match begin(path, header, &lines, room) {
            Ok((file, used)) => (file, used, room),
            Err(error) if is_full(&error) => {
                reopen(path, header, texts).unwrap_or(None).ok_or(error)?
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            header: header.to_owned(),
            lines,
            room,
            used,
            dirty: false,
        })
    }

    /// Adds the newest text of `key`; it is safe only after [`Journal::sync`]. Neither may hold line breaks.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, key: &str, text: &str) -> io::Result<()> {
        let line = line::write(key, text);
        let end = self.used + line.len() as u64;
        self.lines.insert(key.to_owned(), line.clone());
        if self.dirty || end > self.room {
            self.dirty = true;
            return Ok(());
        }
        // Half a line would spoil those after it, so until it is whole the file counts as spoilt.
        self.dirty = true;
        self.file.write_all_at(line.as_bytes(), self.used)?;
        self.dirty = false;
        self.used = end;
        Ok(())
    }

    /// Makes everything appended safe from power loss.
    ///
    /// # Errors
    /// When the disk says no; the next sync then tries everything again.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.dirty {
            return self.renew();
        }
        let synced = self.file.sync_data();
        self.dirty |= synced.is_err();
        synced
    }

    /// Makes room ahead of time when it runs short. Slower than a sync; for a moment when nobody waits.
    ///
    /// # Errors
    /// When the new file cannot be written; the old one goes on.
    pub fn make_room(&mut self) -> io::Result<()> {
        if self.used > self.room / 4 * 3 {
            self.renew()
        } else {
            Ok(())
        }
    }

    fn renew(&mut self) -> io::Result<()> {
        let content: usize = self.lines.values().map(String::len).sum();
        let room = self.room.max(4 * content as u64);
        (self.file, self.used) = begin(&self.path, &self.header, &self.lines, room)?;
        self.room = room;
        self.dirty = false;
        Ok(())
    }
}

/// Writes a whole new file beside the old one and puts it in its place.
fn begin(
    path: &Path,
    header: &str,
    lines: &BTreeMap<String, String>,
    room: u64,
) -> io::Result<(File, u64)> {
    let mut content = line::write("", header);
    for line in lines.values() {
        content.push_str(line);
    }
    let used = content.len() as u64;
    let mut bytes = content.into_bytes();
    bytes.resize(bytes.len().max(room as usize), 0);
    let next = path.with_extension("next");
    let written = write_new(&next, &bytes);
    if written.is_err() {
        // Half of it would only hold room that others may need.
        let _ = std::fs::remove_file(&next);
    }
    let file = written?;
    std::fs::rename(&next, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    Ok((file, used))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(path)?;
    file.write_all_at(bytes, 0)?;
    file.sync_all()?;
    Ok(file)
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// The journal at `path`, its end and its length, if it has this content.
///
/// All of it is written again where it stands: what was read may be in memory only, left there by a sync that failed.
fn reopen(
    path: &Path,
    header: &str,
    texts: &BTreeMap<String, String>,
) -> io::Result<Option<(File, u64, u64)>> {
    let mut bytes = std::fs::read(path)?;
    let used = match parse(&bytes) {
        Parsed::Whole(there, newest, used) if there == header && newest == *texts => used,
        _ => return Ok(None),
    };
    bytes[used..].fill(0);
    let file = OpenOptions::new().write(true).open(path)?;
    file.write_all_at(&bytes, 0)?;
    file.sync_data()?;
    Ok(Some((file, used as u64, bytes.len() as u64)))
}

#[cfg(test)]
mod tests;
