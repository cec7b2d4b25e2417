//! `holdfast crucible`: fault drills on real processes.

use crate::exit::{Exit, Failure, Outcome};
use crate::runtime::block_on;
use clap::Args;
use holdfast_crucible::CrucibleOptions;

#[derive(Debug, Args)]
pub(crate) struct CrucibleArgs {
    #[command(flatten)]
    options: CrucibleOptions,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn crucible(args: CrucibleArgs) -> Outcome {
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
