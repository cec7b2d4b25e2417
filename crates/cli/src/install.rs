//! `holdfast install`: puts this very executable into a directory, for pods whose image does not have it.

use crate::exit::{Exit, Failure, Outcome};
use crate::out::print;
use clap::Args;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What it is called there.
const NAME: &str = "holdfast";

/// The running executable; also right where its path cannot be read any more.
const MYSELF: &str = "/proc/self/exe";

#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// The directory; made if it is missing.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn run(args: &InstallArgs) -> Outcome {
    let path = install(&args.dir, Path::new(MYSELF)).map_err(|error| {
        let text = format!("cannot install {NAME} into {}: {error}", args.dir.display());
        Failure::new(Exit::Failed, text)
    })?;
    print(path.display())?;
    Ok(Exit::Ok)
}

/// Copies `program` beside its place, then moves it there: whoever looks finds all of it or what was there before,
/// and a program that runs from there goes on.
fn install(dir: &Path, program: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    let (path, beside) = (dir.join(NAME), dir.join(format!(".{NAME}.new")));
    copy(program, &beside)
        .and_then(|()| fs::rename(&beside, &path))
        .inspect_err(|_| drop(fs::remove_file(&beside)))?;
    File::open(dir)?.sync_all()?;
    Ok(path)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    // What a killed attempt left may be a program that is not writable.
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(to)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.set_permissions(Permissions::from_mode(0o755))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::Command;

    #[test]
    fn what_is_installed_runs_and_replaces_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("made/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join(NAME), "older").unwrap();
        fs::write(bin.join(".holdfast.new"), "half of one").unwrap();
        let path = install(&bin, Path::new("/bin/true")).unwrap();
        assert!(Command::new(path).status().unwrap().success());
        let names: Vec<_> = fs::read_dir(&bin)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, [NAME]);
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(NAME), "older").unwrap();
        assert!(install(dir.path(), Path::new("/no/such/program")).is_err());
        assert_eq!(fs::read_to_string(dir.path().join(NAME)).unwrap(), "older");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
