//! `kubectl holdfast`: this program as a plugin of kubectl, for a release in a cluster.
//!
//! ```text
//!  kubeconfig ─▶ pods of the release ─▶ forwarded ports ─▶ status, failover, doctor as anywhere
//!                                   ├─▶ logs ─▶ decisions in the order of time
//!                                   └─▶ `holdfast clients` in each pod ─▶ one table
//! ```

mod clients;
mod cluster;
mod forward;
mod logs;
mod release;
mod secrets;

use crate::exit::{Failure, Outcome};
use crate::failover::Wish;
use crate::routes::Routes;
use crate::runtime::block_on;
use crate::status::Manner;
use crate::{doctor, failover, status, wait};
use clap::{Args, Subcommand};
use cluster::Cluster;
use forward::Forwarding;
use holdfast_cluster::SentinelClient;
use logs::LogsArgs;
use release::{Kind, Release};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What kubectl calls its plugin.
const PLUGIN: &str = "kubectl-holdfast";

#[derive(Debug, Args)]
pub(crate) struct KubectlArgs {
    #[command(flatten)]
    which: WhichArgs,
    #[command(subcommand)]
    command: KubectlCommand,
}

/// Which release is meant.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// The namespace. Default: that of the context.
    #[arg(long, short, global = true, value_name = "NAME")]
    namespace: Option<String>,
    /// The context of the kubeconfig. Default: the current one.
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig. Default: as kubectl finds it.
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The release; may be left out where the namespace holds only one.
    #[arg(long, global = true, value_name = "NAME")]
    release: Option<String>,
}

#[derive(Debug, Subcommand)]
enum KubectlCommand {
    #[command(flatten)]
    Sentinels(SentinelsCommand),
    /// Show who is connected to each node, by real addresses, also behind a gate.
    Clients(crate::clients::Wish),
    /// Show what every pod of the release decided, in the order of time.
    Logs(LogsArgs),
}

/// What the sentinels are asked.
#[derive(Debug, Subcommand)]
enum SentinelsCommand {
    /// Show the group: primary, replicas, sentinels, the last decisions.
    Status(Manner),
    /// Wait until all is well: a primary that takes writes, every node up, every sentinel connected.
    Wait(wait::Terms),
    /// Make another node primary: a handoff that loses nothing where the primary is healthy.
    Failover(Wish),
    /// Explain what is wrong, and what to do.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// The command line with the plugin's name put as the subcommand that it stands for.
pub(crate) fn unfolded(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.collect();
    let called = words.first().map(Path::new).and_then(Path::file_name);
    if called.is_some_and(|name| name == PLUGIN) {
        words.insert(1, "kubectl".into());
    }
    words
}

pub(crate) fn run(args: &KubectlArgs) -> Outcome {
    block_on(Box::pin(serve(args)))?
}

async fn serve(args: &KubectlArgs) -> Outcome {
    let cluster = Cluster::connect(&args.which).await?;
    let release = Release::find(&cluster, args.which.release.as_deref()).await?;
    match &args.command {
        KubectlCommand::Logs(wish) => logs::show(&cluster, &release, wish).await,
        KubectlCommand::Clients(wish) => clients::show(&cluster, &release, wish).await,
        KubectlCommand::Sentinels(command) => {
            let mut routes = Routes::default();
            let done = with_sentinels(command, &cluster, &release, &mut routes).await;
            done.map_err(|failure| failure.reworded(|text| routes.in_words(text)))
        }
    }
}

async fn with_sentinels(
    command: &SentinelsCommand,
    cluster: &Cluster,
    release: &Release,
    routes: &mut Routes,
) -> Outcome {
    let sentinels = Forwarding::of(cluster, release, Kind::Sentinel).await?;
    let addresses = sentinels.open(release, routes).await?;
    let client = SentinelClient::new(addresses, None).with_password(sentinels.password.clone());
    match command {
        SentinelsCommand::Status(manner) => status::show(manner, &client).await,
        SentinelsCommand::Wait(terms) => wait::hold(terms, &client).await,
        SentinelsCommand::Failover(wish) => failover::order(wish, &grouped(client).await?).await,
        SentinelsCommand::Doctor { json } => {
            let nodes = Forwarding::of(cluster, release, Kind::Node).await?;
            nodes.open(release, routes).await?;
            doctor::examine(&client, None, nodes.password.as_deref(), routes, *json).await
        }
    }
}

/// The same sentinels, asked for the one group that a release has.
async fn grouped(client: SentinelClient) -> Result<SentinelClient, Failure> {
    let status = client.status().await;
    let status = status.map_err(|error| failover::failure(&error))?;
    Ok(client.with_group(status.group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfold(words: &[&str]) -> Vec<OsString> {
        unfolded(words.iter().map(OsString::from))
    }

    #[test]
    fn called_as_a_plugin_it_is_the_subcommand() {
        let plugin = unfold(&["/usr/local/bin/kubectl-holdfast", "status", "-n", "ns"]);
        assert_eq!(plugin[1..], ["kubectl", "status", "-n", "ns"]);
        assert_eq!(unfold(&["holdfast", "status"]), ["holdfast", "status"]);
    }
}
