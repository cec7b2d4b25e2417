//! Settings of the long-running roles: flags over environment over file over default.
//!
//! ```text
//!   --flags, HOLDFAST_… ──clap──▶ settings ─┐
//!   file ──────────────YAML─────▶ settings ─┴─ overlay ──▶ Options (defaults filled in)
//! ```

mod agent;
mod effective;
mod parse;
mod renewal;
mod sentinel;

pub(crate) use agent::AgentSettings;
pub(crate) use effective::{Effective, variable_of};
pub(crate) use parse::durability;
pub(crate) use renewal::watch;
pub(crate) use sentinel::SentinelSettings;

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// The settings of one role, all optional, each a flag, an environment variable and a key of the file.
pub(crate) trait Settings:
    Args + Clone + Default + Send + Serialize + DeserializeOwned + 'static
{
    /// What they amount to once complete.
    type Options: Serialize + DeserializeOwned + Send + 'static;
    /// The subcommand.
    const ROLE: &'static str;

    /// Files named in the options whose contents count while the role runs.
    fn files(options: &Self::Options) -> Vec<&Path>;
}

impl Settings for SentinelSettings {
    type Options = holdfast_sentinel::Options;
    const ROLE: &'static str = "sentinel";

    fn files(options: &Self::Options) -> Vec<&Path> {
        options.files()
    }
}

impl Settings for AgentSettings {
    type Options = holdfast_agent::Options;
    const ROLE: &'static str = "agent";

    fn files(options: &Self::Options) -> Vec<&Path> {
        options.files()
    }
}

/// Arguments of a role.
#[derive(Debug, Args)]
pub(crate) struct RoleArgs<S: Settings> {
    /// Configuration file (YAML); `holdfast config example` prints a documented one.
    #[arg(long, env = "HOLDFAST_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Die when the process with this id, which must be the parent, does.
    #[arg(long, hide = true, value_name = "PID")]
    pub(crate) die_with_parent: Option<i32>,
    #[command(flatten)]
    pub(crate) settings: S,
    #[command(flatten)]
    pub(crate) kubernetes: crate::kubernetes::KubernetesArgs,
}
