//! The data files of a node, looked at while no server runs: is there anything to lose, and putting it aside.

mod aof;
mod aside;
mod folder;
mod mark;
mod rdb;
mod readable;

pub use aside::{SetAside, keep, set_aside};
pub use folder::folder;
pub use mark::{files, noted_tail};
pub use readable::{Unreadable, unreadable};

use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Snapshot file.
const RDB: &str = "dump.rdb";
/// Directory of the append-only files (7.0 and later).
const AOF_DIR: &str = "appendonlydir";
/// The append-only file of older servers.
const OLD_AOF: &str = "appendonly.aof";

/// What a data directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataState {
    /// No dataset, or one without a key.
    Empty,
    /// A dataset.
    Present {
        /// Bytes of its files.
        bytes: u64,
        /// When the newest of them was last changed.
        newest_mtime: SystemTime,
    },
    /// It cannot be told. Never taken for empty.
    Unreadable(String),
}

/// One file that holds data.
#[derive(Clone, Copy, Debug)]
struct Part {
    bytes: u64,
    mtime: SystemTime,
}

/// Looks at a data directory; one that does not exist is empty. Reads a few hundred bytes of each file, except for a
/// snapshot without a key, which is small anyway.
pub fn inspect(data_dir: &Path) -> DataState {
    match parts(data_dir) {
        Ok(parts) => total(&parts),
        Err(error) => DataState::Unreadable(format!("{}: {error}", data_dir.display())),
    }
}

/// Whether `dump.rdb` exists and is empty (0 bytes), as after `touch`, or where a container mounts that file. redis-server exits
/// when it has to read such a file.
pub fn is_hollow(data_dir: &Path) -> bool {
    std::fs::metadata(data_dir.join(RDB)).is_ok_and(|file| file.is_file() && file.len() == 0)
}

/// Whether there is no data set at all, not even one without a key: a new node, or one that lost its disk.
pub fn is_bare(data_dir: &Path) -> bool {
    [RDB, AOF_DIR, OLD_AOF]
        .iter()
        .all(|name| !data_dir.join(name).exists())
}

/// Whether the append-only files are not all that the server before had: there are none, or it was still writing out a copy of
/// its primary. Changes behind such a copy stand in an increment that no manifest names yet; the one that is named is of
/// the data before.
pub fn is_unfinished(data_dir: &Path) -> bool {
    aof::is_unfinished(&data_dir.join(AOF_DIR)).unwrap_or(true)
}

/// Whether the only data set is a snapshot. An empty file is none.
pub fn is_only_snapshot(data_dir: &Path) -> bool {
    data_dir.join(RDB).exists()
        && !is_hollow(data_dir)
        && [AOF_DIR, OLD_AOF]
            .iter()
            .all(|name| !data_dir.join(name).exists())
}

fn total(parts: &[Part]) -> DataState {
    match parts.iter().map(|part| part.mtime).max() {
        Some(newest_mtime) => DataState::Present {
            bytes: parts.iter().map(|part| part.bytes).sum(),
            newest_mtime,
        },
        None => DataState::Empty,
    }
}

fn parts(data_dir: &Path) -> io::Result<Vec<Part>> {
    if !data_dir.try_exists()? {
        return Ok(Vec::new());
    }
    std::fs::read_dir(data_dir)?;
    let mut found = Vec::new();
    found.extend(file(&data_dir.join(RDB), rdb::is_empty)?);
    found.extend(file(&data_dir.join(OLD_AOF), aof::is_empty)?);
    found.extend(aof::parts(&data_dir.join(AOF_DIR))?);
    Ok(found)
}

/// The file as a part, unless it is missing or without data.
fn file(path: &Path, is_empty: impl Fn(&Path) -> io::Result<bool>) -> io::Result<Option<Part>> {
    let name_it =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let meta = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        meta => meta.map_err(name_it)?,
    };
    if meta.len() == 0 || is_empty(path).map_err(name_it)? {
        return Ok(None);
    }
    Ok(Some(Part {
        bytes: meta.len(),
        mtime: meta.modified()?,
    }))
}
