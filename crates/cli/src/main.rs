//! The `holdfast` binary: argument parsing, output, live view. What it starts lives in the other crates.

mod cli;
mod clients;
mod config;
mod doctor;
mod drills;
mod exit;
mod failover;
mod footprint;
mod force;
mod forget;
mod install;
mod kubectl;
mod kubernetes;
mod logging;
mod observation;
mod out;
mod paint;
mod roles;
mod routes;
mod runtime;
mod settings;
mod simulate;
mod smoke;
mod status;
mod table;
mod tls;
mod units;
mod up;
mod wait;
mod whom;

use clap::FromArgMatches as _;
use cli::{Cli, Command};
use exit::{Exit, Outcome};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Small and immediate: it guards a server whose agent may be in trouble.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "watchdog")
    {
        return holdfast_agent::server::watchdog::run();
    }
    let matches = cli::command().get_matches_from(kubectl::unfolded(std::env::args_os()));
    let outcome = match Cli::from_arg_matches(&matches) {
        Ok(cli) => logging::start(&cli.logging).and_then(|()| run(cli, &matches)),
        Err(error) => error.exit(),
    };
    exit::report(outcome)
}

fn run(cli: Cli, matches: &clap::ArgMatches) -> Outcome {
    match cli.command {
        Command::Up(args) => up::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Wait(args) => wait::run(&args),
        Command::Clients(args) => clients::run(&args),
        Command::Failover(args) => failover::run(&args),
        Command::Force(args) => force::run(&args),
        Command::Forget(args) => forget::run(&args),
        Command::Bench(args) => drills::bench(*args),
        Command::Sim(args) => simulate::run(&args, given(matches, "seeds")),
        Command::Doctor(args) => doctor::run(&args),
        Command::Sentinel(args) => roles::sentinel(args, matches),
        Command::Agent(args) => roles::agent(args, matches),
        Command::Config(command) => config::run(&command, matches),
        Command::Crucible(args) => drills::crucible(*args),
        // Told apart before anything else was set up.
        Command::Watchdog => Ok(Exit::BadInput),
        Command::Kubectl(args) => kubectl::run(&args),
        Command::Smoke(args) => smoke::run(&args),
        Command::Install(args) => install::run(&args),
        Command::Completions { shell } => {
            out::print(completions(shell))?;
            Ok(Exit::Ok)
        }
    }
}

/// Whether an option of the subcommand was given, and not left at its default.
fn given(matches: &clap::ArgMatches, id: &str) -> bool {
    let source = matches
        .subcommand()
        .and_then(|(_, inner)| inner.value_source(id));
    source.is_some_and(|source| source != clap::parser::ValueSource::DefaultValue)
}

fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "holdfast", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
