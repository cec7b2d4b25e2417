//! `holdfast up`: a whole group on this machine.

mod args;
mod headless;
mod narrator;
mod view;

pub(crate) use args::{DEFAULT_DIR, UpArgs};

use crate::exit::{Exit, Failure, Outcome};
use crate::out::tell;
use crate::runtime::block_on;
use holdfast_cluster::{Event, LocalGroup, NotReady, Spec};
use std::io::IsTerminal as _;
use std::time::Instant;
use tokio::sync::broadcast::Receiver;

/// A port can be taken after it was found free. Then the group starts with others, this often in all.
const STARTS_MAX: usize = 4;

pub(crate) fn run(args: &UpArgs) -> Outcome {
    let spec = args.spec()?;
    block_on(async {
        let begun = Instant::now();
        let (group, events) = start(&spec).await?;
        for warning in group.warnings() {
            eprintln!("holdfast: warning: {warning}");
        }
        if args.headless || !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
            headless::run(group, begun, events).await
        } else {
            view::run(group, events, args.password()?).await
        }
    })?
}

/// Starts the group, with what happens in it from the first moment on.
async fn start(spec: &Spec) -> Result<(LocalGroup, Receiver<Event>), Failure> {
    let mut starts = 1;
    loop {
        let group = LocalGroup::start(spec).await?;
        let events = group.events();
        match group.listening().await {
            Err(NotReady::PortTaken(said)) if starts < STARTS_MAX => {
                eprintln!("holdfast: {said}; choosing other ports");
                group.kill_now().await;
                starts += 1;
            }
            // Whatever else is wrong is told where the group is watched.
            _ => return Ok((group, events)),
        }
    }
}

/// What is said first, whatever follows: how to connect and where things are.
fn greeting(group: &LocalGroup) -> Vec<String> {
    let manifest = group.manifest();
    let sentinels: Vec<String> = manifest
        .sentinels
        .iter()
        .map(|sentinel| sentinel.address.to_string())
        .collect();
    let nodes: Vec<String> = manifest
        .nodes
        .iter()
        .map(|node| node.address.to_string())
        .collect();
    let asked = manifest
        .sentinels
        .first()
        .map_or(0, |sentinel| sentinel.address.port);
    vec![
        format!(
            "group {}: 1 primary + {} + {}, {}",
            manifest.group,
            count(manifest.nodes.len().saturating_sub(1), "replica"),
            count(manifest.sentinels.len(), "sentinel"),
            group.server()
        ),
        format!(
            "  connect    redis-cli -p PORT; the primary's: redis-cli -p {asked} SENTINEL get-master-addr-by-name {}",
            manifest.group
        ),
        format!("  sentinels  {}", sentinels.join(" ")),
        format!("  nodes      {}", nodes.join(" ")),
        format!(
            "  folder     {} (data in redis-*/data, logs in */*.log, processes in cluster.json)",
            group.dir().display()
        ),
        "  stop       Ctrl-C; the data stays".to_owned(),
    ]
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Ends the group and says where the data is.
async fn stop(group: LocalGroup) -> Outcome {
    let dir = group.dir().display().to_string();
    let killed = group.stop().await;
    if !killed.is_empty() {
        eprintln!(
            "holdfast: had to kill {}: no clean end within 10 s",
            killed.join(", ")
        );
    }
    tell(format_args!(
        "stopped; the data is left in {dir}; `{} up --dir {dir}` goes on with it",
        called()
    ));
    Ok(Exit::Ok)
}

/// As what this program was called: after `make up` it is not in PATH.
fn called() -> String {
    std::env::args()
        .next()
        .unwrap_or_else(|| "holdfast".to_owned())
}
