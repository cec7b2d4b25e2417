//! `holdfast wait`: until all is well, for scripts and rolling upgrades.

use crate::exit::{Exit, Failure, Outcome};
use crate::observation::Observation;
use crate::out::print;
use crate::runtime::block_on;
use crate::status;
use crate::whom::{WhomArgs, unreachable};
use clap::Args;
use holdfast_cluster::SentinelClient;
use holdfast_core::status::GroupStatus;
use std::time::Duration;
use tokio::time::Instant;

const LOOK_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    whom: WhomArgs,
    #[command(flatten)]
    terms: Terms,
}

/// What is waited for, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Terms {
    /// Give up after this long.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    /// All has to be well for this long without a break: a process that was just ended is noticed in that time.
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 2)]
    steady: u64,
    /// The group must have at least this many nodes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    nodes: usize,
    /// Print the last status as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &WaitArgs) -> Outcome {
    let client = args.whom.client()?;
    block_on(hold(&args.terms, &client))?
}

/// Looks at the group until all is well, or time is up. What is not well yet goes to stderr, a line for each change.
pub(crate) async fn hold(terms: &Terms, client: &SentinelClient) -> Outcome {
    let begun = Instant::now();
    let (mut well_since, mut told) = (None, String::new());
    loop {
        let observation = Observation::take(client).await;
        let lacking = terms.lacking(&observation);
        well_since = lacking
            .is_empty()
            .then(|| well_since.unwrap_or_else(Instant::now));
        let steady = well_since.is_some_and(|at: Instant| at.elapsed() >= terms.steady());
        if steady || begun.elapsed() >= Duration::from_secs(terms.timeout) {
            return terms.end(&observation, steady, &lacking);
        }
        let line = lacking.join("; ");
        if !line.is_empty() && line != told {
            eprintln!("holdfast: waiting: {line}");
        }
        told = line;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl Terms {
    fn steady(&self) -> Duration {
        Duration::from_secs(self.steady)
    }

    /// What is not as it should be.
    fn lacking(&self, observation: &Observation) -> Vec<String> {
        let Some(status) = observation.best() else {
            return vec!["no sentinel answers".to_owned()];
        };
        let few = (status.nodes.len() < self.nodes)
            .then(|| format!("{} of {} nodes are known", status.nodes.len(), self.nodes));
        let unanswered = observation.views.iter().filter(|(_, view)| view.is_err());
        let silent =
            unanswered.map(|(address, _)| format!("the sentinel at {address} does not answer"));
        let ailments = status.ailments().into_iter();
        ailments.chain(few).chain(silent).collect()
    }

    fn end(&self, observation: &Observation, well: bool, lacking: &[String]) -> Outcome {
        let status = observation.best().ok_or_else(|| unreachable(observation))?;
        if self.json {
            print(status::json(status, true)?)?;
        } else if well {
            print(sentence(status))?;
        }
        if well {
            return Ok(Exit::Ok);
        }
        let left = match lacking {
            [] => format!("all is well, but not for {} s yet", self.steady),
            some => some.join("; "),
        };
        Err(Failure::new(
            Exit::Unhealthy,
            format!(
                "{} is not well after {} s: {left}; `holdfast doctor` says what to do",
                status.group, self.timeout
            ),
        ))
    }
}

fn sentence(status: &GroupStatus) -> String {
    let primary = status.primary.as_deref().unwrap_or("nobody");
    let (nodes, sentinels) = (status.nodes.len(), status.sentinels.len());
    format!(
        "{}: {primary} is primary in epoch {}; {nodes} nodes are up, {sentinels} sentinels are connected",
        status.group, status.epoch
    )
}
