//! The command line.

use crate::exit;
use crate::logging::LogArgs;
use crate::settings::{AgentSettings, RoleArgs, SentinelSettings};
use crate::up::UpArgs;
use clap::{Parser, Subcommand};

/// Reliable multi-node Redis: one primary, its replicas, and sentinels that fail over in well under a second.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, after_help = exit::HELP, propagate_version = true, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) logging: LogArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole group on this machine: primary, replicas and sentinels.
    Up(UpArgs),
    /// Run one sentinel.
    Sentinel(Box<RoleArgs<SentinelSettings>>),
    /// Run one agent with its redis-server.
    Agent(Box<RoleArgs<AgentSettings>>),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
