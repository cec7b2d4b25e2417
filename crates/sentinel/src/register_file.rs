//! The sentinel's memory: one file, appended to and synced before any answer that rests on it.
//!
//! Each line is a checksum and a JSON object. The first names the deployment, the sentinel and the
//! identity of this memory: when the file is lost or damaged, so is the identity, and the sentinel comes
//! back as a stranger that does not vote until the others have taken it in.

use holdfast_core::names::{Cluster, Group, Sentinel};
use holdfast_core::sentinel::{Persistent, Written};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file is rewritten when it has grown past this many bytes and past four times its content.
const COMPACT_AT: u64 = 1 << 20;

/// Version of the file's format.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    holdfast_register: u32,
    cluster: Cluster,
    sentinel: Sentinel,
    identity: String,
}

/// Why the memory cannot be used. Each is for a person to mend; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterFileError {
    /// The directory or the file cannot be read or written.
    #[error("{what} {path}: {error}", path = .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// It is somebody else's.
    #[error("{path} belongs to {owner}; this is {me}: give each sentinel a directory of its own", path = .path.display())]
    Foreign {
        /// Where.
        path: PathBuf,
        /// Whose it is.
        owner: String,
        /// Who asks.
        me: String,
    },
    /// It was written by a newer Holdfast.
    #[error("{path} has format {found}; this Holdfast knows {FORMAT}: use a newer one", path = .path.display())]
    Newer {
        /// Where.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

/// The open file, and what it says.
#[derive(Debug)]
pub struct RegisterFile {
    path: PathBuf,
    file: File,
    header: String,
    live: BTreeMap<Option<Group>, String>,
    length: u64,
    dirty: bool,
}

impl RegisterFile {
    /// Opens the memory in `dir`, or begins a new one. Returns it with its identity, its content, and a
    /// sentence when a damaged one was set aside.
    ///
    /// # Errors
    /// When it cannot be read or written, or is somebody else's.
    pub fn open(
        dir: &Path,
        cluster: &Cluster,
        sentinel: &Sentinel,
        new_identity: &str,
    ) -> Result<(Self, String, Persistent, Option<String>), RegisterFileError> {
        let path = dir.join("register.log");
        let io = |what: &'static str| {
            let path = path.clone();
            move |error| RegisterFileError::Io { what, path, error }
        };
        std::fs::create_dir_all(dir).map_err(io("create the directory of"))?;
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(io("read")(error)),
        };
        let (header, live, note) = match parse(&bytes) {
            Parsed::Whole(header, live) => (Some(header), live, None),
            Parsed::Empty => (None, BTreeMap::new(), None),
            Parsed::Damaged(line) => (
                None,
                BTreeMap::new(),
                Some(set_aside(&path, line).map_err(io("set aside"))?),
            ),
        };
        let header = match header {
            Some(header) => check(&path, header, cluster, sentinel)?,
            None => Header {
                holdfast_register: FORMAT,
                cluster: cluster.clone(),
                sentinel: sentinel.clone(),
                identity: new_identity.to_owned(),
            },
        };
        let identity = header.identity.clone();
        let persistent = content(&live);
        let header = line(&serde_json::to_string(&header).map_err(|e| io("write")(e.into()))?);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(io("open"))?;
        let mut this = Self {
            path: path.clone(),
            file,
            header,
            live,
            length: 0,
            dirty: false,
        };
        this.rewrite().map_err(io("write"))?;
        Ok((this, identity, persistent, note))
    }

    /// Adds one thing; it is safe only after [`RegisterFile::sync`].
    ///
    /// # Errors
    /// When it cannot be written, for example because the disk is full.
    pub fn append(&mut self, written: &Written) -> io::Result<()> {
        let text = line(&serde_json::to_string(written)?);
        self.live.insert(key(written), text.clone());
        if self.dirty {
            return Ok(());
        }
        // A line that was not written whole would spoil the ones after it: begin again from the whole.
        self.dirty = true;
        self.file.write_all(text.as_bytes())?;
        self.dirty = false;
        self.length += text.len() as u64;
        Ok(())
    }

    /// Makes everything appended safe from power loss.
    ///
    /// # Errors
    /// When the disk says no. What was appended is then tried again with the next sync.
    pub fn sync(&mut self) -> io::Result<()> {
        let content: usize = self.live.values().map(String::len).sum();
        if self.dirty || (self.length > COMPACT_AT && self.length > 4 * content as u64) {
            return self.rewrite();
        }
        let synced = self.file.sync_data();
        self.dirty |= synced.is_err();
        synced
    }

    fn rewrite(&mut self) -> io::Result<()> {
        self.dirty = true;
        let next = self.path.with_extension("next");
        let mut file = File::create(&next)?;
        let text: String = std::iter::once(&self.header)
            .chain(self.live.values())
            .map(String::as_str)
            .collect();
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&next, &self.path)?;
        if let Some(dir) = self.path.parent() {
            File::open(dir)?.sync_all()?;
        }
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.length = text.len() as u64;
        self.dirty = false;
        Ok(())
    }
}

enum Parsed {
    Empty,
    Whole(Header, BTreeMap<Option<Group>, String>),
    Damaged(usize),
}

/// Reads all lines. A last line without its end was being written when the power went: nobody was told
/// of it. Anything else that does not read is damage.
fn parse(bytes: &[u8]) -> Parsed {
    let whole = bytes
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |end| end + 1);
    let mut lines = bytes[..whole].split_inclusive(|b| *b == b'\n').enumerate();
    let Some((_, first)) = lines.next() else {
        return if bytes.is_empty() {
            Parsed::Empty
        } else {
            Parsed::Damaged(1)
        };
    };
    let Some(header) = body(first).and_then(|text| serde_json::from_str(text).ok()) else {
        return Parsed::Damaged(1);
    };
    let mut live = BTreeMap::new();
    for (number, bytes) in lines {
        let Some(written) = body(bytes).and_then(|text| serde_json::from_str::<Written>(text).ok())
        else {
            return Parsed::Damaged(number + 1);
        };
        live.insert(key(&written), String::from_utf8_lossy(bytes).into_owned());
    }
    Parsed::Whole(header, live)
}

fn check(
    path: &Path,
    header: Header,
    cluster: &Cluster,
    sentinel: &Sentinel,
) -> Result<Header, RegisterFileError> {
    if header.holdfast_register > FORMAT {
        return Err(RegisterFileError::Newer {
            path: path.to_owned(),
            found: header.holdfast_register,
        });
    }
    if header.cluster != *cluster || header.sentinel != *sentinel {
        let owner = format!("{} of cluster {}", header.sentinel, header.cluster);
        let me = format!("{sentinel} of cluster {cluster}");
        return Err(RegisterFileError::Foreign {
            path: path.to_owned(),
            owner,
            me,
        });
    }
    Ok(header)
}

fn set_aside(path: &Path, line: usize) -> io::Result<String> {
    let aside = path.with_extension(format!("damaged-{}", crate::bell::wall()));
    std::fs::rename(path, &aside)?;
    Ok(format!(
        "{} is damaged at line {line} and was set aside as {}: this sentinel is a new member and does not vote until it has learned from a majority",
        path.display(),
        aside.display()
    ))
}

fn content(live: &BTreeMap<Option<Group>, String>) -> Persistent {
    let mut persistent = Persistent::default();
    for text in live.values() {
        match body(text.as_bytes()).and_then(|text| serde_json::from_str(text).ok()) {
            Some(Written::Voters(voters)) => persistent.voters = voters,
            Some(Written::Slot { group, slot }) => drop(persistent.slots.insert(group, slot)),
            None => {}
        }
    }
    persistent
}

fn key(written: &Written) -> Option<Group> {
    match written {
        Written::Voters(_) => None,
        Written::Slot { group, .. } => Some(group.clone()),
    }
}

fn line(json: &str) -> String {
    format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

fn body(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, json) = text.split_once(' ')?;
    (u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(json.as_bytes())).then_some(json)
}

#[cfg(test)]
mod tests;
