//! `holdfast crucible` and `holdfast bench`: drills and measurements on real processes.

use crate::exit::{Exit, Failure, Outcome};
use crate::runtime::block_on;
use clap::Args;
use holdfast_crucible::{BenchOptions, CrucibleOptions};

#[derive(Debug, Args)]
pub(crate) struct CrucibleArgs {
    #[command(flatten)]
    options: CrucibleOptions,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn crucible(args: CrucibleArgs) -> Outcome {
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
    println!("{text}");
    Ok(if report.violated() {
        Exit::Failed
    } else {
        Exit::Ok
    })
}

/// Faults at random for minutes.
fn ordeal(args: CrucibleArgs) -> Outcome {
    let report = block_on(holdfast_crucible::ordeal::run(args.options))?
        .map_err(|error| Failure::failed(&error))?;
    let text = if args.json {
        serde_json::to_string_pretty(&report).map_err(Failure::bad_input)?
    } else {
        report.text()
    };
    println!("{text}");
    Ok(if report.violated() {
        Exit::Failed
    } else {
        Exit::Ok
    })
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
    let figures = block_on(holdfast_crucible::bench(args.options))?
        .map_err(|error| Failure::failed(&error))?;
    let text = if args.json {
        serde_json::to_string_pretty(&figures).map_err(Failure::bad_input)?
    } else {
        figures.text()
    };
    println!("{text}");
    Ok(Exit::Ok)
}
