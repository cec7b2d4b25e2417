//! Everything that lies in a data folder, for the decision whether a server may be started on it.

use super::{AOF_DIR, OLD_AOF, RDB, aof, is_hollow, mark, rdb};
use holdfast_core::dataset::{DataFolder, LyingFile};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Looks at the folder; `log`: the log file of its server; `appends`: the server is told to write an append-only file; `in_folder`:
/// it keeps that in a folder of its own (7.0 and later).
///
/// # Errors
/// When something there cannot be read.
pub fn folder(
    data_dir: &Path,
    log: &Path,
    appends: bool,
    in_folder: bool,
) -> io::Result<DataFolder> {
    let dir = data_dir.join(AOF_DIR);
    let mut damage = aof::damage(&dir)?;
    let mut log_files = Vec::new();
    for path in aof::with_data(&dir)? {
        log_files.extend(lying(&path, AOF_DIR)?);
    }
    if !in_folder && !log_files.is_empty() {
        damage = Some("a server before 7.0 knows no folder of append-only files".to_owned());
    }
    let read = damage.is_none();
    let files = read.then(|| mark::files(data_dir, appends)).transpose()?;
    let old = data_dir.join(OLD_AOF);
    if old.exists() && !aof::is_empty(&old)? {
        log_files.extend(lying(&old, "")?);
    }
    let snapshot = data_dir.join(RDB);
    let full = snapshot.is_file() && !is_hollow(data_dir) && !rdb::is_empty(&snapshot)?;
    Ok(DataFolder {
        files: files.unwrap_or_default(),
        log_folder: dir.exists(),
        damage,
        log_files,
        snapshot: full.then(|| lying(&snapshot, "")).transpose()?.flatten(),
        snapshot_replid: full.then(|| rdb::replid(&snapshot)).transpose()?.flatten(),
        snapshot_outlived: full && outlived(&snapshot, log),
    })
}

/// Whether the log was written after the file came to where it is. redis-server logs each snapshot once it has its name. Neither
/// a copy nor a move can choose the time of the second, which is that of the inode.
fn outlived(file: &Path, log: &Path) -> bool {
    let (file, log) = (std::fs::metadata(file), std::fs::metadata(log));
    let times = file.ok().zip(log.ok());
    times.is_some_and(|(file, log)| {
        (log.mtime(), log.mtime_nsec()) >= (file.ctime(), file.ctime_nsec())
    })
}

fn lying(path: &Path, below: &str) -> io::Result<Option<LyingFile>> {
    let meta = match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        meta => meta?,
    };
    let modified = meta.modified()?.duration_since(UNIX_EPOCH);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Some(LyingFile {
        name: Path::new(below).join(&*name).display().to_string(),
        bytes: meta.len(),
        modified_s: modified.map_or(0, |since| since.as_secs()),
    }))
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_that_names_what_is_missing_is_damage() {
        let data = tempfile::tempdir().expect("a directory");
        let log = data.path().join("server.log");
        let look = |appends| folder(data.path(), &log, appends, true).expect("readable");
        assert_eq!(look(true), DataFolder::default());
        let dir = data.path().join(AOF_DIR);
        std::fs::create_dir(&dir).expect("a directory");
        assert!(look(true).log_folder && look(true).damage.is_none());
        std::fs::write(dir.join("appendonly.aof.1.incr.aof"), "*1\r\n").expect("a file");
        let unnamed = look(true);
        assert_eq!(unnamed.log_files.len(), 1);
        assert!(unnamed.files.log.is_empty());
        let manifest = dir.join("appendonly.aof.manifest");
        for (text, damaged) in [
            ("file appendonly.aof.1.incr.aof seq 1 type i\n", false),
            ("file appendonly.aof.2.incr.aof seq 2 type i\n", true),
            ("", true),
            ("garbage\n", true),
            ("file appendonly.aof.1.incr.aof seq x type i\n", true),
        ] {
            std::fs::write(&manifest, text).expect("a manifest");
            assert_eq!(look(true).damage.is_some(), damaged, "{text}");
            assert_eq!(look(true).files.log.len(), usize::from(!damaged), "{text}");
        }
    }

    #[test]
    fn a_snapshot_is_outlived_by_what_was_logged_after_it() {
        let data = tempfile::tempdir().expect("a directory");
        let (log, snapshot) = (data.path().join("server.log"), data.path().join(RDB));
        std::fs::write(&snapshot, "REDIS").expect("a file");
        assert!(!outlived(&snapshot, &log), "nothing was logged");
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(&log, "DB saved on disk").expect("a log");
        assert!(outlived(&snapshot, &log));
        // One that was put there since, with the old time of its contents.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let copy = data.path().join("copy");
        std::fs::rename(&snapshot, &copy).expect("moved");
        std::fs::rename(&copy, &snapshot).expect("moved back");
        assert!(!outlived(&snapshot, &log));
    }
}
