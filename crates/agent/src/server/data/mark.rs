//! Marks of data files: what tells them from others without reading them whole.

use super::{AOF_DIR, OLD_AOF, RDB, aof};
use holdfast_core::dataset::{FINGERPRINTED, FileMark, Files, Noted, fingerprint};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The files in use, where the server is told to write an append-only file or not. Reads the manifest and 512 bytes of
/// each other file.
pub fn files(data_dir: &Path, appends: bool) -> io::Result<Files> {
    let dir = data_dir.join(AOF_DIR);
    let mut log = Vec::new();
    if appends {
        for (name, seq) in aof::in_use(&dir)? {
            log.extend(mark(&dir, &name, seq)?);
        }
        if log.is_empty() {
            log.extend(mark(data_dir, OLD_AOF, 0)?);
        }
    }
    Ok(Files {
        unfinished: !log.is_empty() && dir.exists() && aof::is_unfinished(&dir)?,
        snapshot: mark(data_dir, RDB, 0)?,
        log,
    })
}

/// Fingerprint of what stands before the noted length in the file that was noted last, if it is that long.
pub fn noted_tail(data_dir: &Path, noted: &Noted) -> Option<u64> {
    let last = noted.files.log.last()?;
    let file = File::open(path(data_dir, last)).ok()?;
    let long = file.metadata().ok()?.len() >= last.bytes;
    let tail = long.then(|| tail(&file, last.bytes));
    tail?.ok()
}

fn path(data_dir: &Path, mark: &FileMark) -> PathBuf {
    if mark.seq > 0 {
        data_dir.join(AOF_DIR).join(&mark.name)
    } else {
        data_dir.join(&mark.name)
    }
}

/// The mark of a file; none where it is missing.
fn mark(dir: &Path, name: &str, seq: u64) -> io::Result<Option<FileMark>> {
    let file = match File::open(dir.join(name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Ok(None);
    }
    let bytes = meta.len();
    Ok(Some(FileMark {
        name: name.to_owned(),
        seq,
        bytes,
        head: range(&file, 0, bytes.min(FINGERPRINTED as u64))?,
        tail: tail(&file, bytes)?,
    }))
}

fn tail(file: &File, bytes: u64) -> io::Result<u64> {
    let length = bytes.min(FINGERPRINTED as u64);
    range(file, bytes - length, length)
}

fn range(file: &File, from: u64, length: u64) -> io::Result<u64> {
    let mut buffer = vec![0; length as usize];
    file.read_exact_at(&mut buffer, from)?;
    Ok(fingerprint(&buffer))
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    fn put(dir: &Path, name: &str, text: &[u8]) {
        std::fs::write(dir.join(name), text).expect("a file");
    }

    #[test]
    fn a_log_that_grew_is_known_by_what_stands_before_its_noted_length() {
        let data = tempfile::tempdir().expect("a directory");
        let dir = data.path().join(AOF_DIR);
        std::fs::create_dir(&dir).expect("a directory");
        let name = "appendonly.aof.1.incr.aof";
        let manifest = format!("file {name} seq 1 type i\n");
        put(&dir, "appendonly.aof.manifest", manifest.as_bytes());
        put(&dir, name, &[b'a'; 700]);
        let noted = Noted {
            files: files(data.path(), true).expect("readable").ends(),
            ..Noted::default()
        };
        let mark = noted.files.log[0].clone();
        assert_eq!((mark.seq, mark.bytes, mark.head), (1, 700, mark.tail));
        let same = Some(mark.tail);
        assert_eq!(noted_tail(data.path(), &noted), same);
        put(&dir, name, &[&[b'a'; 700][..], &[b'b'; 99]].concat());
        assert_eq!(noted_tail(data.path(), &noted), same, "it has grown");
        put(&dir, name, &[b'b'; 800]);
        assert_ne!(noted_tail(data.path(), &noted), same, "another content");
        put(&dir, name, &[b'a'; 699]);
        assert_eq!(noted_tail(data.path(), &noted), None, "shorter");
        let off = files(data.path(), false).expect("readable");
        assert!(off.is_empty(), "not in use: {off:?}");
    }
}
