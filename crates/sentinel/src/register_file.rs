//! The sentinel's memory: a journal, synced before any answer that rests on it.
//!
//! Its header names the deployment, the sentinel and the identity of this memory: when the file is lost or
//! damaged, so is the identity, and the sentinel comes back as a stranger that does not vote until the
//! others have taken it in.

use holdfast_core::names::{Cluster, Sentinel};
use holdfast_core::sentinel::{Persistent, Written};
use holdfast_journal::{Found, Journal, read};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Room in bytes: some 2,000 changes of records before the newest move to a new file.
const ROOM: u64 = 4 << 20;

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

/// What was found in a sentinel's directory.
#[derive(Debug)]
pub struct Opened {
    /// The memory, ready to be written.
    pub file: RegisterFile,
    /// The identity that it gives.
    pub identity: String,
    /// What it holds.
    pub persistent: Persistent,
    /// A sentence for people, when a damaged memory was set aside.
    pub note: Option<String>,
}

/// The open memory.
#[derive(Debug)]
pub struct RegisterFile(Journal);

impl RegisterFile {
    /// Opens the memory in `dir`, or begins a new one under `new_identity`. A damaged one is set aside.
    ///
    /// # Errors
    /// When it cannot be read or written, or is somebody else's.
    pub fn open(
        dir: &Path,
        cluster: &Cluster,
        sentinel: &Sentinel,
        new_identity: &str,
    ) -> Result<Opened, RegisterFileError> {
        let path = dir.join("register");
        let io = |what: &'static str| {
            let path = path.clone();
            move |error| RegisterFileError::Io { what, path, error }
        };
        std::fs::create_dir_all(dir).map_err(io("create the directory of"))?;
        let fresh = || Header {
            holdfast_register: FORMAT,
            cluster: cluster.clone(),
            sentinel: sentinel.clone(),
            identity: new_identity.to_owned(),
        };
        let (header, texts, note) = match read(&path).map_err(io("read"))? {
            Found::Nothing => (fresh(), BTreeMap::new(), None),
            Found::Damaged(line) => {
                let note = set_aside(&path, line).map_err(io("set aside"))?;
                (fresh(), BTreeMap::new(), Some(note))
            }
            Found::Whole { header, texts } => {
                let header = serde_json::from_str(&header)
                    .map_err(|e| io("read the header of")(e.into()))?;
                (check(&path, header, cluster, sentinel)?, texts, None)
            }
        };
        let persistent = content(&texts).map_err(|e| io("read")(e.into()))?;
        let text = serde_json::to_string(&header).map_err(|e| io("write")(e.into()))?;
        let journal = Journal::create(&path, &text, &texts, ROOM).map_err(io("write"))?;
        Ok(Opened {
            file: Self(journal),
            identity: header.identity,
            persistent,
            note,
        })
    }

    /// Adds one thing; it is safe only after [`RegisterFile::sync`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, written: &Written) -> io::Result<()> {
        self.0
            .append(&key(written), &serde_json::to_string(written)?)
    }

    /// Makes everything appended safe from power loss.
    ///
    /// # Errors
    /// When the disk says no. What was appended is then tried again with the next sync.
    pub fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    /// Makes room for more, when nobody waits.
    ///
    /// # Errors
    /// When the new file cannot be written; the old one goes on.
    pub fn make_room(&mut self) -> io::Result<()> {
        self.0.make_room()
    }
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

fn content(texts: &BTreeMap<String, String>) -> serde_json::Result<Persistent> {
    let mut persistent = Persistent::default();
    for text in texts.values() {
        match serde_json::from_str(text)? {
            Written::Voters(voters) => persistent.voters = voters,
            Written::Slot { group, slot } => drop(persistent.slots.insert(group, slot)),
        }
    }
    Ok(persistent)
}

/// Slots by the name of their register, which never begins with a space; the voters beside them.
fn key(written: &Written) -> String {
    match written {
        Written::Voters(_) => " voters".to_owned(),
        Written::Slot { group, .. } => format!("slot {group}"),
    }
}

#[cfg(test)]
mod tests;
