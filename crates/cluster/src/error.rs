//! Why a group could not be started.

/// Why [`crate::LocalGroup::start`] did nothing.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// What was asked for cannot be: another option, file or folder is needed.
    #[error("{0}")]
    BadInput(String),
    /// The machine would not do it: disk, permissions, processes.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl StartError {
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::BadInput(text.into())
    }
}
