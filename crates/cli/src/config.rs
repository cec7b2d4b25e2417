//! `holdfast config`: the settings that count, and a documented file to start from.

mod example;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::print;
use crate::settings::{AgentSettings, Effective, RoleArgs, SentinelSettings, Settings};
use clap::{ArgMatches, Subcommand, ValueEnum};
use serde_json::Value;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the settings that a role would run with, and where each comes from.
    #[command(subcommand)]
    Show(Box<ShowRole>),
    /// Print a documented configuration file.
    Example {
        /// For which role.
        #[arg(default_value = "agent")]
        role: Role,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ShowRole {
    /// Of a sentinel.
    Sentinel(RoleArgs<SentinelSettings>),
    /// Of an agent.
    Agent(RoleArgs<AgentSettings>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Sentinel,
    Agent,
}

/// `matches` are those of the whole command line.
pub(crate) fn run(command: &ConfigCommand, matches: &ArgMatches) -> Outcome {
    let text = match command {
        ConfigCommand::Show(role) => {
            let innermost = innermost(matches);
            match role.as_ref() {
                ShowRole::Sentinel(args) => show(args, innermost)?,
                ShowRole::Agent(args) => show(args, innermost)?,
            }
        }
        ConfigCommand::Example {
            role: Role::Sentinel,
        } => example::text::<SentinelSettings>(),
        ConfigCommand::Example { role: Role::Agent } => example::text::<AgentSettings>(),
    };
    print(text.trim_end())?;
    Ok(Exit::Ok)
}

fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches
        .subcommand()
        .map_or(matches, |(_, inner)| innermost(inner))
}

fn show<S: Settings>(args: &RoleArgs<S>, matches: &ArgMatches) -> Result<String, Failure> {
    let effective = Effective::of(args, matches)?;
    let options = serde_json::to_value(&effective.options).map_err(Failure::bad_input)?;
    let mut text = String::new();
    for (key, value) in options.as_object().into_iter().flatten() {
        let source = effective.sources.get(key).map_or("default", String::as_str);
        text.extend(["# from ", source, "\n", &yaml(key, value)?]);
    }
    Ok(text)
}

fn yaml(key: &str, value: &Value) -> Result<String, Failure> {
    let one = serde_json::Map::from_iter([(key.to_owned(), value.clone())]);
    serde_saphyr::to_string(&one).map_err(Failure::bad_input)
}
