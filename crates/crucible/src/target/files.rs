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
