//! The server's log: bounded, and searched for its last complaint.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A log larger than this becomes `server.log.1` (one older file is kept). The server opens the file anew for each
/// line, so this works while it runs.
const MAX_BYTES: u64 = 16 << 20;

/// Bytes at the end of a log that are searched.
const TAIL_BYTES: u64 = 64 << 10;

/// How crash reports begin.
const CRASHES: &[&str] = &[
    "crashed by signal",
    "ASSERTION FAILED",
    "Guru Meditation",
    "Out Of Memory allocating",
];

/// What says why data could not be loaded. Several lines that say only that it failed come after it.
const CAUSES: &[&str] = &[
    "Can't handle RDB format version",
    "Wrong signature trying to load DB from file",
    "module data I can't load",
    "Unknown command '",
    "Bad file format reading the append only file",
    "Unexpected end of file reading the append only file",
    "Wrong RDB checksum",
    "Unknown RDB encoding type",
    "Unexpected EOF reading RDB file",
    "Error moving temp DB file",
    "Failed trying to rename the temp DB",
    "MASTER aborted replication with an error",
    "I/O error trying to sync with MASTER",
    "I/O error trying to sync with PRIMARY",
];

/// What says only that something failed.
const VAGUE: &[&str] = &[
    "bye bye",
    "Failed listening",
    "Fatal error loading the DB",
    "Terminating server after rdb file reading failure",
    "Failed trying to load the MASTER synchronization DB",
];

/// Moves a log that has grown too large out of the way.
pub(super) fn rotate(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.len() > MAX_BYTES => std::fs::rename(path, path.with_extension("log.1")),
        _ => Ok(()),
    }
}

/// The log, opened for a child's stdout and stderr, and its present length.
pub(super) fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// The last complaint that the server wrote after byte `from`, as one line.
pub(super) fn complaint(path: &Path, from: u64) -> Option<String> {
    find_complaint(&tail(path, from)?)
}

/// Why data could not be loaded, if the server said so after byte `from`; other complaints do not count.
pub(super) fn cause(path: &Path, from: u64) -> Option<String> {
    find_cause(&tail(path, from)?)
}

/// What a server says in its log from a moment on.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    path: PathBuf,
    from: u64,
}

impl Trail {
    /// From now on.
    pub(super) fn of(path: PathBuf) -> Self {
        let mut trail = Self { path, from: 0 };
        trail.begin();
        trail
    }

    /// Forgets what was said so far.
    pub(crate) fn begin(&mut self) {
        self.from = std::fs::metadata(&self.path).map_or(0, |meta| meta.len());
    }

    /// Why data could not be loaded, if it was said since; it is forgotten with that.
    pub(crate) fn news(&mut self) -> Option<String> {
        let said = cause(&self.path, self.from)?;
        self.begin();
        Some(said)
    }
}

/// The end of the log, from byte `from` on.
fn tail(path: &Path, from: u64) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let end = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(from.max(end.saturating_sub(TAIL_BYTES))))
        .ok()?;
    let mut text = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The last line that says why data could not be loaded, without what stands before it.
fn find_cause(text: &str) -> Option<String> {
    let causes = |line: &&str| CAUSES.iter().any(|cause| line.contains(cause));
    let line = text.lines().rev().find(causes)?.trim();
    let said = line.split_once(" # ").map_or(line, |(_, said)| said);
    // `Internal error in RDB reading offset 0, function at rdb.c:3107 -> The RDB file contains module data …`
    let said = said.split_once(" -> ").map_or(said, |(_, said)| said);
    Some(said.to_owned())
}

/// A configuration that it refuses is explained in three lines without a level; all else carries the mark ` # `.
fn find_complaint(text: &str) -> Option<String> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if let Some(at) = lines
        .iter()
        .rposition(|line| line.starts_with("*** FATAL CONFIG FILE ERROR"))
    {
        let parts = lines[at + 1..]
            .iter()
            .take(3)
            .map(|line| line.trim_start_matches(">>> "));
        return Some(parts.collect::<Vec<_>>().join(": "));
    }
    // A crash is reported over many lines; the first says why. Where it ended in order, the last does.
    if let Some(crash) = lines
        .iter()
        .find(|line| CRASHES.iter().any(|mark| line.contains(mark)))
    {
        return Some(
            crash
                .split_once(" # ")
                .map_or(*crash, |(_, said)| said)
                .to_owned(),
        );
    }
    find_cause(text).or_else(|| last_word(&lines))
}

/// The last line of the highest level that says more than that something failed; or else one that says that.
fn last_word(lines: &[&str]) -> Option<String> {
    let complaints = || {
        let complaints = lines.iter().filter_map(|line| line.split_once(" # "));
        complaints.map(|(_, said)| said).rev()
    };
    let vague = |said: &&str| VAGUE.iter().any(|vague| said.contains(vague));
    let loading = |said: &&str| said.starts_with("Fatal error") || said.starts_with("Terminating");
    let word = complaints().find(|said| !vague(said));
    word.or_else(|| complaints().find(loading))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_why_it_ended() {
        let config = "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 3\n>>> 'foo bar'\nBad directive or wrong number of arguments\n";
        let said = "Reading the configuration file, at line 3: 'foo bar': Bad directive or wrong number of arguments";
        assert_eq!(find_complaint(config).as_deref(), Some(said));
        let bind = "1:M 22 Nov 2026 17:00:00.000 # Warning: Could not create server TCP listening socket 127.0.0.1:1: bind: Address in use\n1:M 22 Nov 2026 17:00:00.000 # Failed listening on port 1 (TCP), aborting.\n";
        assert!(find_complaint(bind).is_some_and(|said| said.contains("bind: Address in use")));
        let old = "1:M 01 Dec 2026 02:33:13.253 # WARNING Memory overcommit must be enabled!\n1:M 01 Dec 2026 02:33:13.253 # Can't handle RDB format version 13\n1:M 01 Dec 2026 02:33:13.253 # Fatal error loading the DB: Invalid argument. Exiting.\n";
        assert_eq!(
            find_complaint(old).as_deref(),
            Some("Can't handle RDB format version 13")
        );
        assert_eq!(
            find_complaint("1:M 22 Nov 2026 17:00:00.000 * Ready to accept connections"),
            None
        );
    }

    #[test]
    fn finds_why_a_copy_was_not_loaded() {
        let module = "1:S 01 Dec 2026 02:41:55.906 # Internal error in RDB reading offset 0, function at rdb.c:3107 -> The RDB file contains module data I can't load: no matching module type 'MBbloom--'\n[offset 0] Checking RDB file dump.rdb\n[offset 254] Checksum OK\n[info] 1 keys read\n";
        let said =
            "The RDB file contains module data I can't load: no matching module type 'MBbloom--'";
        assert_eq!(find_cause(module).as_deref(), Some(said));
        let stopped = "1:M 01 Dec 2026 02:41:55.906 # User requested shutdown...\n1:M 01 Dec 2026 02:41:55.906 # Redis is now ready to exit, bye bye...\n";
        assert_eq!(find_cause(stopped), None);
    }
}
