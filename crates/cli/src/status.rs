//! `holdfast status`.

mod render;

pub(crate) use render::state_tone;

use crate::exit::{Exit, Failure, Outcome};
use crate::observation::Observation;
use crate::out::{Reader, print};
use crate::paint::Paint;
use crate::runtime::block_on;
use crate::units::unix_ms;
use crate::whom::{WhomArgs, unreachable};
use clap::Args;
use holdfast_cluster::SentinelClient;
use holdfast_core::status::GroupStatus;
use std::io::IsTerminal as _;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_secs(1);
const CLEAR: &str = "\x1b[H\x1b[2J";

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    whom: WhomArgs,
    #[command(flatten)]
    manner: Manner,
}

/// How it is shown.
#[derive(Debug, Args)]
pub(crate) struct Manner {
    /// Look again every second until interrupted.
    #[arg(long)]
    watch: bool,
    /// Print JSON; with --watch one line per look.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &StatusArgs) -> Outcome {
    let client = args.whom.client()?;
    block_on(show(&args.manner, &client))?
}

/// Shows the group that these sentinels serve.
pub(crate) async fn show(manner: &Manner, client: &SentinelClient) -> Outcome {
    if manner.watch {
        watch(manner, client).await
    } else {
        once(manner, client).await
    }
}

async fn once(args: &Manner, client: &SentinelClient) -> Outcome {
    let observation = Observation::take(client).await;
    let status = observation
        .best()
        .ok_or_else(|| unreachable(&observation))?;
    if args.json {
        print(&json(status, true)?)?;
    } else {
        print(
            render::lines(status, &observation.decisions(), unix_ms(), Paint::stdout()).join("\n"),
        )?;
    }
    Ok(if status.ailments().is_empty() {
        Exit::Ok
    } else {
        Exit::Unhealthy
    })
}

async fn watch(args: &Manner, client: &SentinelClient) -> Outcome {
    let clear = if std::io::stdout().is_terminal() {
        CLEAR
    } else {
        ""
    };
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        let observation = Observation::take(client).await;
        let text = match observation.best() {
            Some(status) if args.json => json(status, false)?,
            Some(status) => {
                render::lines(status, &observation.decisions(), unix_ms(), Paint::stdout())
                    .join("\n")
            }
            None if args.json => "null".to_owned(),
            None => "no sentinel answers".to_owned(),
        };
        let clear = if args.json { "" } else { clear };
        if print(format_args!("{clear}{text}"))? == Reader::Gone {
            return Ok(Exit::Ok);
        }
    }
}

/// The status as JSON.
pub(crate) fn json(status: &GroupStatus, pretty: bool) -> Result<String, Failure> {
    let text = if pretty {
        serde_json::to_string_pretty(status)
    } else {
        serde_json::to_string(status)
    };
    text.map_err(|error| Failure::new(Exit::Failed, error))
}
