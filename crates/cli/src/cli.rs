//! The command line.

use crate::clients::ClientsArgs;
use crate::config::ConfigCommand;
use crate::doctor::DoctorArgs;
use crate::drills::{BenchArgs, CrucibleArgs};
use crate::exit;
use crate::failover::FailoverArgs;
use crate::force::ForceArgs;
use crate::forget::ForgetArgs;
use crate::install::InstallArgs;
use crate::kubectl::KubectlArgs;
use crate::logging::LogArgs;
use crate::settings::{AgentSettings, RoleArgs, SentinelSettings};
use crate::simulate::SimArgs;
use crate::smoke::SmokeArgs;
use crate::status::StatusArgs;
use crate::up::UpArgs;
use crate::wait::WaitArgs;
use clap::{CommandFactory as _, Parser, Subcommand};

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
    /// Show the group: primary, replicas, sentinels, the last decisions.
    Status(StatusArgs),
    /// Wait until all is well: a primary that takes writes, every node up, every sentinel connected.
    Wait(WaitArgs),
    /// Show who is connected, with real addresses behind a gate too.
    Clients(ClientsArgs),
    /// Make another node primary: a handoff that loses nothing where the primary is healthy.
    Failover(FailoverArgs),
    /// Go on from the data of one node, after the loss of others: a person's word, never the group's own choice.
    Force(ForceArgs),
    /// Do not wait any more for a node that will not come back.
    Forget(ForgetArgs),
    /// Explain what is wrong, and what to do.
    Doctor(DoctorArgs),
    /// Run one sentinel.
    Sentinel(Box<RoleArgs<SentinelSettings>>),
    /// Run one agent with its redis-server.
    Agent(Box<RoleArgs<AgentSettings>>),
    /// Show the settings of a role, or a documented file of them.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Run fault drills on real processes, and check every acknowledged write.
    Crucible(Box<CrucibleArgs>),
    /// Measure failover and handoff beside stock redis-sentinel.
    Bench(Box<BenchArgs>),
    /// Simulate groups under faults, one seed per run; the same seed, the same run.
    Sim(SimArgs),
    /// Ask a release in a Kubernetes cluster; `kubectl holdfast` where this program is called kubectl-holdfast.
    Kubectl(Box<KubectlArgs>),
    /// Do what a client would do: ask a sentinel, write on the primary, read on each replica.
    Smoke(Box<SmokeArgs>),
    /// Copy this program into a directory, whole or not at all.
    Install(InstallArgs),
    /// Guard a redis-server for its agent; started by it, with orders on stdin.
    #[command(hide = true)]
    Watchdog,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// The command line for clap. Help names variables, but not what they hold now.
pub(crate) fn command() -> clap::Command {
    fn quiet(command: clap::Command) -> clap::Command {
        command
            .mut_args(|arg| arg.hide_env_values(true))
            .mut_subcommands(quiet)
    }
    quiet(Cli::command())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
