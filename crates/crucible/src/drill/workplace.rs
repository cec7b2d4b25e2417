//! The folder of a run.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The folder given, which stays, or a temporary one, which goes.
#[derive(Debug)]
pub enum Workplace {
    /// Stays.
    Kept(PathBuf),
    /// Removed when dropped.
    Temporary(tempfile::TempDir),
}

impl Workplace {
    /// Makes it.
    pub fn open(dir: Option<&Path>) -> Result<Self> {
        match dir {
            Some(dir) => {
                std::fs::create_dir_all(dir)
                    .with_context(|| format!("create {}", dir.display()))?;
                Ok(Self::Kept(dir.to_owned()))
            }
            None => Ok(Self::Temporary(
                tempfile::tempdir().context("make a temporary folder")?,
            )),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Kept(dir) => dir,
            Self::Temporary(dir) => dir.path(),
        }
    }

    /// Keeps a temporary folder after all; gives its path.
    pub fn keep(self) -> PathBuf {
        match self {
            Self::Kept(dir) => dir,
            Self::Temporary(dir) => dir.keep(),
        }
    }
}
