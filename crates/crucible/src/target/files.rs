//! Data files of redis-server.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Folder of the append-only files (7.0 and later).
const AOF_DIR: &str = "appendonlydir";

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

/// Deletes the datasets that Holdfast has set aside in `dir`, as a person does who has looked at them. Gives the number deleted.
pub fn delete_aside(dir: &Path) -> usize {
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    let aside = |name: &str| name.starts_with("set-aside-");
    entries
        .flatten()
        .filter(|entry| aside(&entry.file_name().to_string_lossy()))
        .filter(|entry| fs::remove_dir_all(entry.path()).is_ok())
        .count()
}

/// Takes the last third off the largest append-only increment in `dir`. Gives the bytes that went.
///
/// # Errors
/// When there is none, or it cannot be cut.
pub fn truncate_aof(dir: &Path) -> Result<u64> {
    let increments = aof_files(dir, |name| name.ends_with(".incr.aof"))?;
    let length = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
    let largest = increments.into_iter().max_by_key(length);
    let largest = largest.with_context(|| format!("no increment in {}", dir.display()))?;
    let (whole, about) = (length(&largest), || format!("cut {}", largest.display()));
    let file = fs::File::options().write(true).open(&largest);
    file.with_context(about)?
        .set_len(whole / 3 * 2)
        .with_context(about)?;
    Ok(whole - whole / 3 * 2)
}

/// Moves the manifest of the append-only files out of `dir`. Gives where it was and where it is: it stays the same file, so that
/// what was synced of it is known.
///
/// # Errors
/// When there is none, or it cannot be moved.
pub fn lose_manifest(dir: &Path) -> Result<(PathBuf, PathBuf)> {
    let found = aof_files(dir, |name| name.ends_with(".manifest"))?.pop();
    let path = found.with_context(|| format!("no manifest in {}", dir.display()))?;
    let kept = dir.with_extension("lost-manifest");
    fs::rename(&path, &kept).with_context(|| format!("move {}", path.display()))?;
    Ok((path, kept))
}

/// Moves a file back that was lost, unless there is another, or its folder is gone.
///
/// # Errors
/// When it cannot be moved.
pub fn put_back(path: &Path, kept: &Path) -> Result<()> {
    let folder = path.parent().is_some_and(Path::exists);
    if folder && !path.exists() {
        fs::rename(kept, path).with_context(|| format!("move {}", kept.display()))?;
    }
    Ok(())
}

fn aof_files(dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let folder = dir.join(AOF_DIR);
    let entries = fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
    let names = entries.flatten();
    let names = names.filter(|entry| wanted(&entry.file_name().to_string_lossy()));
    Ok(names.map(|entry| entry.path()).collect())
}

fn is_data(name: &str) -> bool {
    let extension = Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str());
    name == AOF_DIR || matches!(extension, Some("rdb" | "aof"))
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
    fn damages_the_append_only_files_of_a_node() {
        let dir = tempfile::tempdir().unwrap();
        assert!(truncate_aof(dir.path()).is_err() && lose_manifest(dir.path()).is_err());
        let folder = dir.path().join(AOF_DIR);
        fs::create_dir(&folder).unwrap();
        for (name, bytes) in [
            ("a.1.incr.aof", 9),
            ("a.2.incr.aof", 900),
            ("a.manifest", 5),
        ] {
            fs::write(folder.join(name), vec![b'x'; bytes]).unwrap();
        }
        assert_eq!(truncate_aof(dir.path()).unwrap(), 300);
        let left = fs::metadata(folder.join("a.2.incr.aof")).unwrap().len();
        assert_eq!(left, 600);
        let (path, kept) = lose_manifest(dir.path()).unwrap();
        assert!(!path.exists());
        put_back(&path, &kept).unwrap();
        fs::write(&kept, "another").unwrap();
        put_back(&path, &kept).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"xxxxx");
        fs::remove_file(kept).unwrap();
    }

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
