//! Whether a server can load the files that it would read at its start. Nine bytes of each are looked at, nothing is changed.

use super::{AOF_DIR, OLD_AOF, RDB, aof};
use holdfast_core::server_version::ServerVersion;
use holdfast_core::snapshot_format::SnapshotFormat;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// From this release on the append-only files have a directory of their own; an older server does not look into it.
const DIRECTORY_SINCE: (u32, u32) = (7, 0);

/// A file that the server would have to read, and cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The file, or the directory.
    pub file: PathBuf,
    /// Its format; none for a directory that the server knows nothing of.
    pub format: Option<SnapshotFormat>,
    /// The server.
    pub server: ServerVersion,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, server) = (self.file.display(), &self.server);
        let (what, reader) = match self.format {
            Some(format) => (
                format!("is in format {format}"),
                format
                    .oldest_reader()
                    .unwrap_or("the server that wrote it".to_owned()),
            ),
            None => (
                "holds append-only files of Redis 7.0 or later".to_owned(),
                "Redis 7.0".to_owned(),
            ),
        };
        write!(
            f,
            "`{file}` {what}, which {server} cannot read: run {reader} or later here again, or move this node's data files \
             elsewhere so that it copies what the group has"
        )
    }
}

/// The first file that `server` would read and surely cannot load; none where there is no such file, or where that is not
/// known. With `append_only` it reads the append-only files and not the snapshot.
pub fn unreadable(
    data_dir: &Path,
    append_only: bool,
    server: &ServerVersion,
) -> Option<Unreadable> {
    if !append_only {
        return refused(&data_dir.join(RDB), server);
    }
    let dir = data_dir.join(AOF_DIR);
    if server.release() < DIRECTORY_SINCE {
        return ignored(&dir, server).or_else(|| refused(&data_dir.join(OLD_AOF), server));
    }
    let bases = aof::files(&dir);
    if bases.is_empty() {
        return refused(&data_dir.join(OLD_AOF), server);
    }
    bases.iter().find_map(|file| refused(file, server))
}

/// A directory with data into which the server does not look.
fn ignored(dir: &Path, server: &ServerVersion) -> Option<Unreadable> {
    let holds = aof::parts(dir).map_or(true, |parts| !parts.is_empty());
    holds.then(|| Unreadable {
        file: dir.to_owned(),
        format: None,
        server: server.clone(),
    })
}

/// A file whose first bytes name a format that the server does not load.
fn refused(file: &Path, server: &ServerVersion) -> Option<Unreadable> {
    let mut magic = [0; 9];
    File::open(file).ok()?.read_exact(&mut magic).ok()?;
    let format = SnapshotFormat::of(magic)?;
    (format.is_read_by(server) == Some(false)).then(|| Unreadable {
        file: file.to_owned(),
        format: Some(format),
        server: server.clone(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs::{create_dir, write};

    fn server(text: &str) -> ServerVersion {
        ServerVersion::from(text.to_owned())
    }

    fn found(dir: &Path, append_only: bool, by: &str) -> Option<String> {
        let unreadable = unreadable(dir, append_only, &server(by))?;
        Some(unreadable.file.file_name()?.to_string_lossy().into_owned())
    }

    #[test]
    fn only_what_would_be_read_counts() {
        let home = tempfile::tempdir().unwrap();
        write(home.path().join(RDB), b"REDIS0013...").unwrap();
        assert_eq!(
            found(home.path(), false, "redis 7.0.15").as_deref(),
            Some(RDB)
        );
        assert_eq!(found(home.path(), true, "redis 7.0.15"), None);
        assert_eq!(found(home.path(), false, "redis 8.6.0"), None);
        assert_eq!(found(home.path(), false, "redis 99.0.0"), None);
        write(home.path().join(OLD_AOF), b"REDIS0012...").unwrap();
        assert_eq!(
            found(home.path(), true, "redis 7.0.15").as_deref(),
            Some(OLD_AOF)
        );
    }

    #[test]
    fn the_base_that_the_manifest_names_counts() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join(AOF_DIR);
        create_dir(&dir).unwrap();
        let manifest = "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.1.base.rdb seq 1 type h\n";
        write(dir.join("appendonly.aof.manifest"), manifest).unwrap();
        write(dir.join("appendonly.aof.1.base.rdb"), b"REDIS0010").unwrap();
        write(dir.join("appendonly.aof.2.base.rdb"), b"VALKEY080").unwrap();
        let base = Some("appendonly.aof.2.base.rdb");
        assert_eq!(found(home.path(), true, "redis 8.6.2").as_deref(), base);
        assert_eq!(found(home.path(), true, "valkey 8.1.0").as_deref(), base);
        assert_eq!(found(home.path(), true, "valkey 9.0.0"), None);
        // It would look for `appendonly.aof`, find none, and start empty.
        assert_eq!(
            found(home.path(), true, "redis 6.2.14").as_deref(),
            Some(AOF_DIR)
        );
        write(dir.join("appendonly.aof.2.base.rdb"), b"*2\r\n$6\r\nSELECT").unwrap();
        assert_eq!(found(home.path(), true, "redis 8.6.2"), None);
    }

    #[test]
    fn it_is_one_sentence_that_says_what_to_do() {
        let found = Unreadable {
            file: PathBuf::from("/data/dump.rdb"),
            format: Some(SnapshotFormat::Redis(13)),
            server: server("redis 7.0.15"),
        };
        assert_eq!(
            found.to_string(),
            "`/data/dump.rdb` is in format REDIS0013, which redis 7.0.15 cannot read: run Redis 8.6 or later here again, \
             or move this node's data files elsewhere so that it copies what the group has"
        );
    }
}
