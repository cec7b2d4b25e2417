//! The long-running roles.

use crate::exit::{Exit, Failure, Outcome};
use crate::footprint::give_back_start;
use crate::runtime::block_on;
use crate::settings::{AgentSettings, Effective, RoleArgs, SentinelSettings, Settings, watch};
use clap::ArgMatches;

/// Runs a sentinel until it is told to end.
pub(crate) fn sentinel(args: Box<RoleArgs<SentinelSettings>>, matches: &ArgMatches) -> Outcome {
    let options = prepare(&args, matches)?;
    let audience = args.kubernetes.of_sentinel(options.name.as_str())?;
    let renewed = watch(&args, &options).map_err(|error| Failure::failed(&error.into()))?;
    drop(args);
    give_back_start();
    ended(block_on(holdfast_sentinel::run(
        options, audience, renewed,
    ))?)
}

/// Runs an agent until it is told to end.
pub(crate) fn agent(args: Box<RoleArgs<AgentSettings>>, matches: &ArgMatches) -> Outcome {
    let options = prepare(&args, matches)?;
    let audience = args
        .kubernetes
        .of_agent(options.name.as_str(), options.listen.port)?;
    let renewed = watch(&args, &options).map_err(|error| Failure::failed(&error.into()))?;
    drop(args);
    give_back_start();
    ended(block_on(holdfast_agent::run(options, audience, renewed))?)
}

fn prepare<S: Settings>(args: &RoleArgs<S>, matches: &ArgMatches) -> Result<S::Options, Failure> {
    if let Some(parent) = args.die_with_parent {
        holdfast_cluster::die_with_parent(parent).map_err(|error| Failure::failed(&error))?;
    }
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    Ok(Effective::of(args, matches)?.options)
}

fn ended(result: anyhow::Result<()>) -> Outcome {
    crate::logging::flush();
    result
        .map(|()| Exit::Ok)
        .map_err(|error| Failure::failed(&error))
}
