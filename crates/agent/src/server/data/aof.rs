//! Append-only files: a manifest names a base snapshot and the increments behind it.

use super::{OLD_AOF, Part, file, rdb};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Parts with data of an append-only directory; none where there is no directory.
pub(super) fn parts(dir: &Path) -> io::Result<Vec<Part>> {
    if !dir.try_exists()? {
        return Ok(Vec::new());
    }
    let manifest = dir.join(format!("{OLD_AOF}.manifest"));
    let named = match std::fs::read_to_string(&manifest) {
        Ok(text) => names(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return without_manifest(dir),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for name in named {
        let path = dir.join(&name);
        if !path.try_exists()? {
            return Err(io::Error::other(format!(
                "{} names {name}, which is missing",
                manifest.display()
            )));
        }
        found.extend(file(&path, is_empty)?);
    }
    Ok(found)
}

/// A directory that a server has begun and not finished is empty; files without a manifest are a riddle.
fn without_manifest(dir: &Path) -> io::Result<Vec<Part>> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if file(&path, is_empty)?.is_some() {
            return Err(io::Error::other(format!(
                "{} belongs to no manifest",
                path.display()
            )));
        }
    }
    Ok(Vec::new())
}

/// Files in use: base (`b`) and increments (`i`), not history (`h`).
fn names(manifest: &str) -> Vec<String> {
    let name = |line: &str| {
        let mut words = line.split_whitespace();
        let (file, kind) = (
            words
                .find(|word| *word == "file")
                .and_then(|_| words.next()),
            words.skip_while(|word| *word != "type").nth(1),
        );
        file.filter(|_| kind != Some("h")).map(str::to_owned)
    };
    manifest
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(name)
        .collect()
}

/// True for a file of nothing but an empty snapshot (a base, or an old file's preamble).
pub(super) fn is_empty(path: &Path) -> io::Result<bool> {
    let mut reader = BufReader::new(File::open(path)?);
    let empty = rdb::ends_at_once(&mut reader)? == Some(true);
    Ok(empty && reader.read(&mut [0])? == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_what_is_in_use() {
        let text = "file a.1.base.rdb seq 1 type b\nfile a.0.incr.aof seq 0 type h\nfile a.1.incr.aof seq 1 type i\n";
        assert_eq!(names(text), ["a.1.base.rdb", "a.1.incr.aof"]);
    }
}
