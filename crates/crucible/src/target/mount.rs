//! A file mounted over another, as Kubernetes does with a `subPath`: it can be written, and not renamed over.

use crate::target::process;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One file that is mounted over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The process whose view of the file system has the mount.
    seen_by: i32,
    file: PathBuf,
}

impl Mount {
    /// Why files cannot be mounted over here, if so.
    pub fn obstacle() -> Option<String> {
        let works = || -> Result<()> {
            let dir = tempfile::tempdir()?;
            Self::over(&dir.path().join("file"), std::process::id() as i32)?.undo();
            Ok(())
        };
        works()
            .err()
            .map(|error| format!("files cannot be mounted over: {error:#}"))
    }

    /// Mounts an empty file over `file`, which is made where it is missing, as `process` sees it.
    ///
    /// # Errors
    /// When the kernel does not allow it, or `nsenter` or `mount` is missing.
    pub fn over(file: &Path, process: i32) -> Result<Self> {
        let source = file.with_extension("mounted");
        for path in [&source, &file.to_owned()] {
            let opened = std::fs::File::options()
                .create(true)
                .append(true)
                .open(path);
            opened.with_context(|| format!("create {}", path.display()))?;
        }
        let mount = Self {
            seen_by: process,
            file: file.to_owned(),
        };
        let paths = [source.as_path(), file].map(|path| path.display().to_string());
        mount.run(&["mount", "--bind", &paths[0], &paths[1]])?;
        Ok(mount)
    }

    /// Takes it away. A process that is gone took its view along.
    pub fn undo(&self) {
        let file = self.file.display().to_string();
        if let Err(error) = self.run(&["umount", &file]) {
            tracing::debug!("{error:#}");
        }
        let _ = std::fs::remove_file(self.file.with_extension("mounted"));
    }

    fn run(&self, command: &[&str]) -> Result<()> {
        let mut nsenter = Command::new("nsenter");
        if process::alive(self.seen_by) {
            nsenter.args(["--target", &self.seen_by.to_string(), "--mount"]);
        }
        let output = nsenter.arg("--").args(command).output();
        let output = output.context("run nsenter")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {}", command[0], said.trim());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_can_be_renamed_over_a_mounted_file() {
        if let Some(why) = Mount::obstacle() {
            println!("skipped: {why}");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let (file, other) = (dir.path().join("dump.rdb"), dir.path().join("other"));
        let mount = Mount::over(&file, std::process::id() as i32).unwrap();
        std::fs::write(&other, "x").unwrap();
        assert!(std::fs::rename(&other, &file).is_err());
        mount.undo();
        std::fs::rename(&other, &file).unwrap();
    }
}
