//! A small file that remembers: the newest line of each key, safe from power loss, quick to sync.
//!
//! ```text
//!  ┌ header ┬ line ┬ line ┬ line ┬ 0 0 0 0 0 0 0 0 0 0 0 0 0 0 ┬ mark ┐  of a fixed length
//!  └────────┴──────┴──────┴──────┴─────── room for more ───────┴──────┘
//! ```
//!
//! Each line is a checksum, a key and a text. The file is written full of zeros once and then only
//! overwritten, so a sync waits for the disk to take a block, and not for the file system's own journal,
//! which other processes' writes can hold up for hundreds of milliseconds. For the same reason a disk that
//! is full does not stop it. When the room is used up, the newest lines move to a new file.
//!
//! The mark says how far the file was synced. A line that is missing beyond it was on its way when the power went, and
//! nobody was told of it; one that is missing before it is damage, however whole the rest looks.

mod line;

use line::{Mark, Parsed, parse};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What an existing file holds.
#[derive(Debug)]
pub enum Found {
    /// There is none. An empty one is damaged: a new one is put in its place only when it is whole.
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
    /// Bytes of the file.
    length: u64,
    used: u64,
    /// The file ends with a mark; one that an older version made and that there was no room to replace does not.
    marked: bool,
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
        let opened = match begin(path, header, &lines, room) {
            Err(error) if is_full(&error) => {
                reopen(path, header, texts).unwrap_or(None).ok_or(error)?
            }
            begun => begun?,
        };
        Ok(Self {
            path: path.to_owned(),
            file: opened.file,
            header: header.to_owned(),
            lines,
            length: opened.length,
            used: opened.used,
            marked: opened.marked,
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
        if self.dirty || end > self.room() {
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
        let synced = self.file.sync_data().and_then(|()| self.mark());
        self.dirty |= synced.is_err();
        synced
    }

    /// Writes down how far the file is safe. It becomes safe itself with the next sync, or when the kernel gets to it.
    fn mark(&mut self) -> io::Result<()> {
        if self.marked {
            let mark = Mark::write(self.used);
            self.file.write_all_at(mark.as_bytes(), self.room())?;
        }
        Ok(())
    }

    /// Bytes that lines may take.
    fn room(&self) -> u64 {
        let mark = if self.marked { Mark::LENGTH } else { 0 };
        self.length.saturating_sub(mark as u64)
    }

    /// Makes room ahead of time when it runs short. Slower than a sync; for a moment when nobody waits.
    ///
    /// # Errors
    /// When the new file cannot be written; the old one goes on.
    pub fn make_room(&mut self) -> io::Result<()> {
        if self.used > self.length / 4 * 3 {
            self.renew()
        } else {
            Ok(())
        }
    }

    fn renew(&mut self) -> io::Result<()> {
        let content: usize = self.lines.values().map(String::len).sum();
        let length = self.length.max(4 * content as u64);
        let begun = begin(&self.path, &self.header, &self.lines, length)?;
        self.file = begun.file;
        (self.length, self.used, self.marked) = (begun.length, begun.used, begun.marked);
        self.dirty = false;
        Ok(())
    }
}

/// A file and what is known of it.
struct Opened {
    file: File,
    length: u64,
    used: u64,
    marked: bool,
}

/// Length of a file with room for this many bytes: whole blocks, so that the mark lies in one.
fn blocks(bytes: u64) -> u64 {
    const BLOCK: u64 = 512;
    bytes.div_ceil(BLOCK) * BLOCK
}

/// Writes a whole new file beside the old one and puts it in its place.
fn begin(
    path: &Path,
    header: &str,
    lines: &BTreeMap<String, String>,
    room: u64,
) -> io::Result<Opened> {
    let mut content = line::write_header(header);
    for line in lines.values() {
        content.push_str(line);
    }
    let used = content.len() as u64;
    let length = blocks(room.max(used + Mark::LENGTH as u64));
    let mut bytes = content.into_bytes();
    bytes.resize(length as usize - Mark::LENGTH, 0);
    bytes.extend_from_slice(Mark::write(used).as_bytes());
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
    Ok(Opened {
        file,
        length,
        used,
        marked: true,
    })
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
) -> io::Result<Option<Opened>> {
    let mut bytes = std::fs::read(path)?;
    let used = match parse(&bytes) {
        Parsed::Whole(there, newest, used) if there == header && newest == *texts => used,
        _ => return Ok(None),
    };
    let marked = line::is_marked(&bytes);
    let end = bytes.len() - if marked { Mark::LENGTH } else { 0 };
    bytes[used..end].fill(0);
    let file = OpenOptions::new().write(true).open(path)?;
    file.write_all_at(&bytes, 0)?;
    file.sync_data()?;
    Ok(Some(Opened {
        file,
        length: bytes.len() as u64,
        used: used as u64,
        marked,
    }))
}

#[cfg(test)]
mod tests;
