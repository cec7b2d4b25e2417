//! The server's log: bounded, and searched for its last complaint.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

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
    let mut file = File::open(path).ok()?;
    let end = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(from.max(end.saturating_sub(TAIL_BYTES))))
        .ok()?;
    let mut text = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut text).ok()?;
    find_complaint(&String::from_utf8_lossy(&text))
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
    let complaints = lines
        .iter()
        .filter_map(|line| line.split_once(" # "))
        .map(|(_, said)| said);
    complaints
        .rev()
        .find(|said| !said.contains("bye bye") && !said.starts_with("Failed listening"))
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
        assert_eq!(
            find_complaint("1:M 22 Nov 2026 17:00:00.000 * Ready to accept connections"),
            None
        );
    }
}
