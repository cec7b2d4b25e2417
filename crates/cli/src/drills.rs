//! `holdfast crucible` and `holdfast bench`: drills and measurements on real processes.

use crate::exit::{Exit, Failure, Outcome};
use crate::out::print;
use crate::runtime::block_on;
use clap::Args;
use holdfast_agent::server::Version;
use holdfast_crucible::{BenchOptions, CrucibleOptions};
use serde::Serialize;
use std::path::Path;

#[derive(Debug, Args)]
pub(crate) struct CrucibleArgs {
    #[command(flatten)]
    options: CrucibleOptions,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn crucible(args: CrucibleArgs) -> Outcome {
    usable(&args.options.group.server)?;
    if args.options.minutes.is_some() {
        return ordeal(args);
    }
    let report =
        block_on(holdfast_crucible::run(args.options))?.map_err(|error| Failure::failed(&error))?;
    let text = if args.json {
        report.json().map_err(|error| Failure::failed(&error))?
    } else {
        report.text()
    };
    shown(&text, report.violated())
}

/// A server that is missing is said once and at once, not by every group that does not come up.
fn usable(server: &Path) -> Result<(), Failure> {
    let found = Version::detect(server);
    found.map(|_| ()).map_err(Failure::bad_input)
}

/// Faults at random for minutes.
fn ordeal(args: CrucibleArgs) -> Outcome {
    let report = block_on(holdfast_crucible::ordeal::run(args.options))?
        .map_err(|error| Failure::failed(&error))?;
    let text = if args.json {
        json(&report)?
    } else {
        report.text()
    };
    shown(&text, report.violated())
}

fn json(figures: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(figures).map_err(|error| Failure::failed(&error.into()))
}

/// Prints a report; a broken promise is a failure.
fn shown(text: &str, violated: bool) -> Outcome {
    print(text)?;
    Ok(if violated { Exit::Failed } else { Exit::Ok })
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    options: BenchOptions,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn bench(args: BenchArgs) -> Outcome {
    usable(&args.options.group.server)?;
    let figures = block_on(holdfast_crucible::bench(args.options))?
        .map_err(|error| Failure::failed(&error))?;
    let text = if args.json {
        json(&figures)?
    } else {
        figures.text()
    };
    shown(&text, false)
}
