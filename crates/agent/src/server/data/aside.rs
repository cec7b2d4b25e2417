//! Putting a dataset aside: renamed, never deleted.

use super::{AOF_DIR, OLD_AOF, RDB};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What such directories are called: `set-aside-<seconds since 1970>[-<n>]`.
const PREFIX: &str = "set-aside-";

/// More than this are worth a warning. They are never deleted: that is a person's decision.
const MANY: usize = 3;

/// What was put aside, and what lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where the files are now; `None` when there were none.
    pub directory: Option<PathBuf>,
    /// All datasets that were ever put aside here, oldest first.
    pub kept: Vec<PathBuf>,
    /// Set when too many are kept.
    pub warning: Option<String>,
}

/// Moves the dataset into a new directory beside it, with the reason in `reason.txt`. All or nothing: files that were
/// moved before a failure are moved back. No server may run on the directory.
pub fn set_aside(data_dir: &Path, reason: &str) -> io::Result<SetAside> {
    let present: Vec<&str> = [RDB, AOF_DIR, OLD_AOF]
        .into_iter()
        .filter(|name| data_dir.join(name).exists())
        .collect();
    let directory = if present.is_empty() {
        None
    } else {
        Some(fresh_directory(data_dir)?)
    };
    if let Some(directory) = &directory {
        move_all(data_dir, directory, &present, reason).inspect_err(|_| {
            let _ = std::fs::remove_file(directory.join("reason.txt"));
            let _ = std::fs::remove_dir(directory);
        })?;
    }
    let kept = kept(data_dir)?;
    let warning = (kept.len() > MANY).then(|| {
        format!(
            "{} datasets lie aside in {}: delete those that nobody needs",
            kept.len(),
            data_dir.display()
        )
    });
    Ok(SetAside {
        directory,
        kept,
        warning,
    })
}

/// Sets kept beside a data folder, at most: beyond, a person has to say which ones nobody needs.
const KEPT_MAX: usize = 5;

/// Keeps the dataset in a new directory beside it, with the reason in `reason.txt`, and leaves it in its place too: the
/// files get a second name, which takes no room until a server replaces them. A server may run on them that writes nothing.
///
/// # Errors
/// When a file cannot be linked, or too many datasets are kept already. Nothing is left behind then.
pub fn keep(data_dir: &Path, reason: &str) -> io::Result<PathBuf> {
    if kept(data_dir)?.len() >= KEPT_MAX {
        return Err(io::Error::other(format!(
            "{KEPT_MAX} datasets lie aside in {} already: delete those that nobody needs",
            data_dir.display()
        )));
    }
    let directory = fresh_directory(data_dir)?;
    let done = link_all(data_dir, &directory, reason);
    if done.is_err() {
        let _ = std::fs::remove_dir_all(&directory);
    }
    done.map(|()| directory)
}

fn link_all(data_dir: &Path, directory: &Path, reason: &str) -> io::Result<()> {
    std::fs::write(directory.join("reason.txt"), format!("{reason}\n"))?;
    for name in [RDB, OLD_AOF] {
        if data_dir.join(name).exists() {
            std::fs::hard_link(data_dir.join(name), directory.join(name))?;
        }
    }
    let log = data_dir.join(AOF_DIR);
    if log.exists() {
        std::fs::create_dir(directory.join(AOF_DIR))?;
        for entry in std::fs::read_dir(&log)? {
            let entry = entry?;
            std::fs::hard_link(
                entry.path(),
                directory.join(AOF_DIR).join(entry.file_name()),
            )?;
        }
    }
    std::fs::File::open(directory)?.sync_all()
}

fn move_all(data_dir: &Path, directory: &Path, names: &[&str], reason: &str) -> io::Result<()> {
    std::fs::write(directory.join("reason.txt"), format!("{reason}\n"))?;
    for (done, name) in names.iter().enumerate() {
        let moved = std::fs::rename(data_dir.join(name), directory.join(name));
        moved.inspect_err(|_| {
            for name in &names[..done] {
                let _ = std::fs::rename(directory.join(name), data_dir.join(name));
            }
        })?;
    }
    std::fs::File::open(data_dir)?.sync_all()
}

/// A directory of a name that is not taken.
fn fresh_directory(data_dir: &Path) -> io::Result<PathBuf> {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    for attempt in 0..1000 {
        let suffix = if attempt == 0 {
            String::new()
        } else {
            format!("-{attempt}")
        };
        let path = data_dir.join(format!("{PREFIX}{seconds}{suffix}"));
        match std::fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| path),
        }
    }
    Err(io::Error::other(format!(
        "{}: no free name for a directory to put data aside",
        data_dir.display()
    )))
}

fn kept(data_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(data_dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            kept.push(entry.path());
        }
    }
    kept.sort();
    Ok(kept)
}
