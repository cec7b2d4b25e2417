//! Append-only files: a manifest names a base snapshot and the increments behind it.

use super::{OLD_AOF, Part, file, rdb};
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

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

/// Names and numbers of the files in use, in their order; none where there is no manifest.
pub(super) fn in_use(dir: &Path) -> io::Result<Vec<(String, u64)>> {
    let text = manifest(dir)?.unwrap_or_default();
    let used = entries(&text).filter(|(_, kind)| *kind != Some("h"));
    let numbered = used.map(|(name, _)| (name.to_owned(), seq(&text, name).unwrap_or(0)));
    Ok(numbered.collect())
}

/// What is wrong with the manifest that is there: redis-server would not start.
pub(super) fn damage(dir: &Path) -> io::Result<Option<String>> {
    let Some(text) = manifest(dir)? else {
        return Ok(None);
    };
    let lines = || text.lines().filter(|line| !line.starts_with('#'));
    if lines().next().is_none() {
        return Ok(Some("the manifest is empty".to_owned()));
    }
    let whole =
        |line: &&str| entries(line).any(|(name, kind)| kind.is_some() && seq(line, name).is_some());
    if let Some(line) = lines().find(|line| !whole(line)) {
        let shown: String = line.chars().take(80).collect();
        return Ok(Some(format!(
            "the manifest has a line that makes no sense, `{shown}`"
        )));
    }
    let missing = names(&text)
        .into_iter()
        .find(|name| !dir.join(name).exists());
    Ok(missing.map(|name| format!("the manifest names {name}, which is missing")))
}

/// Files with data: those in use, or all where no manifest says which these are. What a rewrite has left unfinished is a copy.
pub(super) fn with_data(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let named = match manifest(dir)? {
        Some(text) => names(&text)
            .into_iter()
            .map(|name| dir.join(name))
            .collect(),
        None if dir.try_exists()? => std::fs::read_dir(dir)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<Vec<_>>>()?,
        None => Vec::new(),
    };
    let mut full = Vec::new();
    for path in named {
        let unfinished = path.to_string_lossy().contains("temp-rewriteaof");
        if !unfinished && file(&path, is_empty)?.is_some() {
            full.push(path);
        }
    }
    full.sort();
    Ok(full)
}

fn manifest(dir: &Path) -> io::Result<Option<String>> {
    match std::fs::read(dir.join(format!("{OLD_AOF}.manifest"))) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The number that the manifest gives a file.
fn seq(manifest: &str, name: &str) -> Option<u64> {
    let line = manifest
        .lines()
        .find(|line| line.split_whitespace().any(|word| word == name))?;
    let mut words = line.split_whitespace();
    words
        .find(|word| *word == "seq")
        .and(words.next())?
        .parse()
        .ok()
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

/// Whether there is no manifest, or an increment that it does not name. An ordinary rewrite names its increment before it
/// writes to it.
pub(super) fn is_unfinished(dir: &Path) -> io::Result<bool> {
    let manifest = dir.join(format!("{OLD_AOF}.manifest"));
    let named = names_of_all(&std::fs::read_to_string(manifest)?);
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.contains(".incr") && !named.contains(&name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The files of an append-only directory that are in use, as its manifest names them; none without a readable manifest.
pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
    let manifest = std::fs::read_to_string(dir.join(format!("{OLD_AOF}.manifest")));
    let named = names(&manifest.unwrap_or_default());
    named.into_iter().map(|name| dir.join(name)).collect()
}

/// Files in use: base (`b`) and increments (`i`), not history (`h`).
fn names(manifest: &str) -> Vec<String> {
    let used = entries(manifest).filter(|(_, kind)| *kind != Some("h"));
    used.map(|(file, _)| file.to_owned()).collect()
}

/// All files that it names, history too.
fn names_of_all(manifest: &str) -> Vec<String> {
    entries(manifest).map(|(file, _)| file.to_owned()).collect()
}

/// Names and types.
fn entries(manifest: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let entry = |line| {
        let mut words = str::split_whitespace(line);
        let file = words.find(|word| *word == "file").and(words.next())?;
        Some((file, words.skip_while(|word| *word != "type").nth(1)))
    };
    let lines = manifest.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(entry)
}

/// True for a file of nothing but an empty snapshot (a base, or an old file's preamble).
pub(super) fn is_empty(path: &Path) -> io::Result<bool> {
    let mut reader = BufReader::new(File::open(path)?);
    let empty = rdb::ends_at_once(&mut reader)? == Some(true);
    Ok(empty && reader.read(&mut [0])? == 0)
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn an_increment_without_a_name_is_unfinished() {
        let dir = tempfile::tempdir().expect("a directory");
        let put =
            |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a file");
        assert!(is_unfinished(dir.path()).is_err(), "no manifest");
        put(
            "appendonly.aof.manifest",
            "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n\
            file appendonly.aof.0.incr.aof seq 0 type h\n",
        );
        put("appendonly.aof.1.incr.aof", "");
        put("appendonly.aof.0.incr.aof", "");
        put("appendonly.aof.2.base.rdb", "");
        assert!(!is_unfinished(dir.path()).expect("readable"));
        // While the copy is written out, and when its increment has its name and the manifest has not.
        for name in ["temp-appendonly.aof.incr", "appendonly.aof.2.incr.aof"] {
            put(name, "");
            assert!(is_unfinished(dir.path()).expect("readable"), "{name}");
            std::fs::remove_file(dir.path().join(name)).expect("removed");
        }
    }

    #[test]
    fn a_manifest_names_what_is_in_use() {
        let text = "file a.1.base.rdb seq 1 type b\nfile a.0.incr.aof seq 0 type h\nfile a.1.incr.aof seq 1 type i\n";
        assert_eq!(names(text), ["a.1.base.rdb", "a.1.incr.aof"]);
    }
}
