//! The files as an agent sees them from outside: names, sizes, fingerprints.

use super::files::{Files, Image, Logged, Persistence};
use holdfast_core::dataset::{self, DataFolder, FileMark, LyingFile, Noted, fingerprint};

/// Entries of a file of which a fingerprint is taken.
const PRINTED: usize = 8;

/// When files were changed, as far as their order counts: an append-only file that is in use after its dump.
const DUMP_MODIFIED_S: u64 = 1;
const LOG_MODIFIED_S: u64 = 2;

impl Files {
    /// What an agent remembers of them.
    pub fn marks(&self, persistence: Persistence) -> dataset::Files {
        let log = self.log.as_ref().filter(|_| persistence.appends());
        dataset::Files {
            log: log.map(|log| self.mark_of(log)).into_iter().collect(),
            snapshot: self.dump.as_ref().map(mark_of_dump),
            unfinished: log.is_some() && self.unfinished,
        }
    }

    /// Fingerprint of what stands before the noted end of the append-only file, if that is so long.
    pub fn noted_tail(&self, noted: &Noted) -> Option<u64> {
        let last = noted.files.log.last()?;
        let log = self
            .log
            .as_ref()
            .filter(|_| last.seq == self.rewrites + 1)?;
        log.get(..last.bytes as usize).map(tail)
    }

    /// All that lies in the folder.
    pub fn folder(&self, persistence: Persistence) -> DataFolder {
        let logs = [&self.log, &self.ignored].into_iter().flatten();
        let full = logs.filter(|log| !log.is_empty());
        let dump = self.dump.as_ref().filter(|dump| !dump.data.is_empty());
        DataFolder {
            files: self.marks(persistence),
            log_folder: self.log.is_some() || self.ignored.is_some(),
            log_files: full
                .map(|log| lying("appendonly.aof", log.len(), LOG_MODIFIED_S))
                .collect(),
            snapshot: dump.map(|dump| lying("dump.rdb", dump.data.len(), DUMP_MODIFIED_S)),
            snapshot_replid: dump.and_then(|dump| Some(dump.position?.0.to_string())),
            ..DataFolder::default()
        }
    }

    fn mark_of(&self, log: &[Logged]) -> FileMark {
        let seq = self.rewrites + 1;
        FileMark {
            name: format!("appendonly.aof.{seq}.incr.aof"),
            seq,
            bytes: log.len() as u64,
            head: print(log.get(..PRINTED).unwrap_or(log)),
            tail: tail(log),
        }
    }
}

fn mark_of_dump(dump: &Image) -> FileMark {
    let whole = Image::to_log(&dump.data, dump.stamp);
    FileMark {
        name: "dump.rdb".to_owned(),
        seq: 0,
        bytes: whole.len() as u64,
        head: print(whole.get(..PRINTED).unwrap_or(&whole)),
        tail: tail(&whole),
    }
}

fn lying(name: &str, entries: usize, modified_s: u64) -> LyingFile {
    LyingFile {
        name: name.to_owned(),
        bytes: entries as u64,
        modified_s,
    }
}

fn tail(log: &[Logged]) -> u64 {
    print(log.get(log.len().saturating_sub(PRINTED)..).unwrap_or(log))
}

fn print(entries: &[Logged]) -> u64 {
    let bytes = entries.iter().flat_map(|entry| match entry {
        Logged::Value(value) => value.to_le_bytes(),
        Logged::Stamp(stamp) => (stamp.epoch << 40 ^ stamp.number ^ 1 << 63).to_le_bytes(),
        Logged::Flush => u64::MAX.to_le_bytes(),
    });
    fingerprint(&bytes.collect::<Vec<u8>>())
}
