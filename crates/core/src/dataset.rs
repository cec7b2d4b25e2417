//! What tells one data set from another without reading it: names, sizes and fingerprints of its files.
//!
//! A position is a number that an agent remembers. It says something about the data only as long as the data are those that
//! it was noted for. So a note tells, beside the position, how many keys there were and what the files were
//! ([`Noted`]); and after every start the files that are there are compared with it ([`Verdict`]).

mod folder;
mod noted;
mod verdict;

pub use folder::{DataFolder, LyingFile};
pub use noted::{Found, Noted};
pub use verdict::Verdict;

use serde::{Deserialize, Serialize};

/// Bytes at the beginning, and at the end, of a file of which a fingerprint is taken.
pub const FINGERPRINTED: usize = 256;

/// One file of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileMark {
    /// Its name in its folder.
    pub name: String,
    /// The number that the manifest gives it: greater after every rewrite. 0 for a file that no manifest names.
    pub seq: u64,
    /// Its size.
    pub bytes: u64,
    /// Fingerprint of its first [`FINGERPRINTED`] bytes, or of all that it has.
    pub head: u64,
    /// Fingerprint of its last [`FINGERPRINTED`] bytes, or of all that it has.
    pub tail: u64,
}

/// The files of a data set that are in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Files {
    /// The append-only files in their order: the base, if there is one, and increments. Empty without an append-only file.
    pub log: Vec<FileMark>,
    /// The snapshot (`dump.rdb`).
    pub snapshot: Option<FileMark>,
    /// The append-only files are older than the data in memory: a copy of the primary has not been written out.
    pub unfinished: bool,
}

impl Files {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.log.is_empty() && self.snapshot.is_none()
    }

    /// The files that a note needs: growing ones but for the last do not change any more.
    #[must_use]
    pub fn ends(&self) -> Self {
        let ends = match self.log.as_slice() {
            [first, .., last] => vec![first.clone(), last.clone()],
            few => few.to_vec(),
        };
        Self {
            log: ends,
            ..self.clone()
        }
    }
}

/// Fingerprint of some bytes (FNV-1a): for files that differ by accident, not by malice.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
