//! Data files of redis-server.

use std::fs;
use std::path::Path;

/// Deletes every snapshot and append-only file in `dir`; missing ones are no error. Gives the number deleted.
pub fn delete_data(dir: &Path) -> usize {
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    entries
        .flatten()
        .filter(|entry| is_data(&entry.file_name().to_string_lossy()))
        .filter(|entry| delete(&entry.path()))
        .count()
}

fn is_data(name: &str) -> bool {
    let extension = Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str());
    name == "appendonlydir" || matches!(extension, Some("rdb" | "aof"))
}

fn delete(path: &Path) -> bool {
    if path.is_dir() {
        fs::remove_dir_all(path).is_ok()
    } else {
        fs::remove_file(path).is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn deletes_data_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "dump.rdb",
            "temp-1.rdb",
            "old.aof",
            "redis.conf",
            "identity",
        ] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        fs::create_dir(dir.path().join("appendonlydir")).unwrap();
        fs::write(dir.path().join("appendonlydir/a.manifest"), "x").unwrap();
        assert_eq!(delete_data(dir.path()), 4);
        let mut left: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["identity", "redis.conf"]);
        assert_eq!(delete_data(&dir.path().join("absent")), 0);
    }
}
