//! `holdfast force`: a person's word that a group goes on from the data of one node.

use crate::exit::{Exit, Failure, Outcome};
use crate::failover::failure;
use crate::out::print;
use crate::runtime::block_on;
use crate::whom::WhomArgs;
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ForceArgs {
    #[command(flatten)]
    whom: WhomArgs,
    /// The node whose data the group goes on with.
    #[arg(value_name = "NODE")]
    node: String,
    /// Accept that what only other nodes hold is given up for good.
    #[arg(long)]
    accept_loss: bool,
}

pub(crate) fn run(args: &ForceArgs) -> Outcome {
    if !args.accept_loss {
        return Err(Failure::bad_input(format!(
            "this makes {} the primary with the data that it has, and gives up for good what only other nodes hold: \
             look at `holdfast status` first, then add --accept-loss",
            args.node
        )));
    }
    let client = args.whom.ordered()?;
    let said = block_on(client.force(&args.node))?.map_err(|error| failure(&error))?;
    print(said)?;
    Ok(Exit::Ok)
}
