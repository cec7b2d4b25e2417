//! `holdfast forget`: a person's word that a node will not come back.

use crate::exit::{Exit, Outcome};
use crate::failover::failure;
use crate::out::print;
use crate::runtime::block_on;
use crate::whom::WhomArgs;
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    #[command(flatten)]
    whom: WhomArgs,
    /// The node that the group does not wait for any more. It must be gone; if it comes back, it joins again.
    #[arg(value_name = "NODE")]
    node: String,
}

pub(crate) fn run(args: &ForgetArgs) -> Outcome {
    let client = args.whom.ordered()?;
    let said = block_on(client.forget(&args.node))?.map_err(|error| failure(&error))?;
    print(said)?;
    Ok(Exit::Ok)
}
