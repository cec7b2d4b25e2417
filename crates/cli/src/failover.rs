//! `holdfast failover`: a handoff where the primary is healthy, a failover where it is not.

use crate::exit::{Exit, Failure, Outcome};
use crate::out::print;
use crate::runtime::block_on;
use crate::whom::WhomArgs;
use clap::Args;
use holdfast_cluster::{AskError, Handoff, SentinelClient};

#[derive(Debug, Args)]
pub(crate) struct FailoverArgs {
    #[command(flatten)]
    whom: WhomArgs,
    #[command(flatten)]
    wish: Wish,
}

/// What is wished.
#[derive(Debug, Args)]
pub(crate) struct Wish {
    /// The node that becomes primary. Default: the one that holds the most data.
    #[arg(long, value_name = "NODE")]
    to: Option<String>,
    /// Hand over to --to although its redis-server is older than the primary's, and may not know all that was written.
    #[arg(long, requires = "to")]
    allow_downgrade: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &FailoverArgs) -> Outcome {
    let client = args.whom.ordered()?;
    block_on(order(&args.wish, &client))?
}

/// Has it done by the first of these sentinels that answers.
pub(crate) async fn order(args: &Wish, client: &SentinelClient) -> Outcome {
    let done = match args.to.as_deref() {
        Some(to) if args.allow_downgrade => client.downgrade(to).await,
        to => client.failover(to).await,
    };
    let done = done.map_err(|error| failure(&error))?;
    print(if args.json {
        json(&done)?
    } else {
        sentence(&done)
    })?;
    Ok(Exit::Ok)
}

/// The exit code that an unanswered or refused order ends with.
pub(crate) fn failure(error: &AskError) -> Failure {
    let exit = match error {
        AskError::Unreachable(..) | AskError::NobodyToAsk => Exit::Unreachable,
        AskError::NoAnswer(..) | AskError::Refused(..) | AskError::Strange(..) => Exit::Failed,
    };
    let advice = match error {
        AskError::Unreachable(..) => "; is the group running?",
        _ => "",
    };
    Failure::new(exit, format!("{error}{advice}"))
}

fn json(done: &Handoff) -> Result<String, Failure> {
    serde_json::to_string_pretty(done).map_err(|error| Failure::new(Exit::Failed, error))
}

fn sentence(done: &Handoff) -> String {
    if !done.text.is_empty() {
        return done.text.clone();
    }
    let from = done.from.as_deref().unwrap_or("no primary");
    let to = done.to.as_deref().unwrap_or("nobody");
    let pause = done
        .pause_ms
        .map(|ms| format!("; writes paused for {ms:.0} ms"))
        .unwrap_or_default();
    format!("from {from} to {to} in epoch {}{pause}", done.epoch)
}
