//! From options to a running sentinel.

use super::{Disk, Running, Showing};
use crate::audience::Audience;
use crate::clients::Clients;
use crate::control::{Dialing, INBOX_MAX, listen};
use crate::decisions::Decisions;
use crate::facts::Facts;
use crate::options::Options;
use crate::register_file::{Opened, RegisterFile};
use anyhow::{Context, bail, ensure};
use holdfast_core::decided::Decided;
use holdfast_core::limits::GROUPS_MAX;
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Group, Sentinel};
use holdfast_core::record::Terms;
use holdfast_core::sentinel::{GroupConfig, SentinelCore, SentinelSettings};
use holdfast_core::wire::WIRE_VERSION;
use holdfast_link::{Identity, Kind, Secret, random_hex};
use holdfast_probes::Questions;
use std::collections::{BTreeMap, BTreeSet};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

/// Niceness of a process whose delays cost a group its lease.
const NICE: i32 = -10;

/// Runs a sentinel until SIGTERM or SIGINT. Needs a current-thread runtime. Whoever holds the other end of `renewed` sends the
/// options again whenever they, or files named in them, have changed; or why they cannot be made any more, which is logged.
///
/// # Errors
/// When an option makes no sense, an address is taken, or its memory cannot be used. Nothing is changed then.
pub async fn run(
    options: Options,
    audience: Box<dyn Audience>,
    renewed: mpsc::Receiver<Result<Options, String>>,
) -> anyhow::Result<()> {
    check(&options)?;
    LocalSet::new()
        .run_until(Box::pin(serve(options, audience, renewed)))
        .await
}

/// Raises this process's share of the cores, where it may: it needs little, but it needs it at once. Without
/// that right it runs like any other process.
fn ask_for_priority() {
    let _ = rustix::process::setpriority_process(None, NICE);
}

async fn serve(
    options: Options,
    audience: Box<dyn Audience>,
    renewed: mpsc::Receiver<Result<Options, String>>,
) -> anyhow::Result<()> {
    let secret = Secret::read(&options.secret_file)?;
    let control = bind(&options).await?;
    let questions = questions(&options)?;
    let Opened {
        file,
        identity,
        persistent,
        note,
    } = RegisterFile::open(
        &options.dir,
        &options.cluster,
        &options.name,
        &random_hex::<20>()?,
    )?;
    let me = Identity {
        wire: WIRE_VERSION,
        cluster: options.cluster.to_string(),
        kind: Kind::Sentinel,
        group: String::new(),
        name: options.name.to_string(),
        secret,
    };
    let (sender, inbox) = mpsc::channel(INBOX_MAX);
    let mut decisions = Decisions::default();
    if let Some(note) = note {
        let said = Decided {
            code: "RegisterSetAside".to_owned(),
            text: note,
        };
        decisions.note(&Group::default(), options.name.as_str(), said);
    }
    let clients = Clients::start(&options, &identity).context("serve clients")?;
    // Threads inherit it, save the one of the clients: a flood of them must not starve anybody.
    ask_for_priority();
    let core = SentinelCore::new(settings(&options, &identity), persistent);
    let disk = Disk::start(file, sender.clone()).context("start the disk thread")?;
    tokio::task::spawn_local(listen(control, me.clone(), sender.clone()));
    tracing::info!(
        "{} serves clients at {} and agents at {}",
        options.name,
        options.listen,
        options.control
    );
    let name = options.name.clone();
    let running = Running {
        dialing: Dialing::new(me, sender),
        reached: 0,
        options,
        core,
        agents: BTreeMap::new(),
        peers: BTreeMap::new(),
        disk,
        clients,
        decisions,
        showing: Showing::new(audience),
    };
    tokio::select! {
        () = running.serve(inbox, questions, renewed) => bail!("the sentinel's loop ended by itself"),
        signal = stop_signal() => tracing::info!("{name} ends: {}", signal?),
    }
    Ok(())
}

/// Whether the options make sense.
pub(super) fn check(options: &Options) -> anyhow::Result<()> {
    let count = options.sentinels.len();
    ensure!(
        count % 2 == 1,
        "{count} sentinels: take an odd number, 3 or 5, for an even one survives no more failures than one less"
    );
    let names: BTreeSet<_> = options.sentinels.iter().map(|peer| &peer.name).collect();
    ensure!(names.len() == count, "two sentinels have the same name");
    ensure!(
        names.contains(&options.name),
        "{} is not in its own list of sentinels",
        options.name
    );
    ensure!(
        !options.groups.is_empty(),
        "no group to serve: name at least one under `groups`"
    );
    ensure!(
        options.groups.len() <= GROUPS_MAX,
        "{} groups; at most {GROUPS_MAX}",
        options.groups.len()
    );
    let groups: BTreeSet<_> = options.groups.iter().map(|group| &group.name).collect();
    ensure!(
        groups.len() == options.groups.len(),
        "two groups have the same name"
    );
    Ok(())
}

async fn bind(options: &Options) -> anyhow::Result<TcpListener> {
    let control = &options.control;
    TcpListener::bind((control.host.as_str(), control.port))
        .await
        .map_err(|error| {
            anyhow::anyhow!(
                "listen for agents and sentinels at {control}: {error}; stop what listens there or choose another port"
            )
        })
}

/// Those who ask over HTTP, if anybody may.
fn questions(options: &Options) -> anyhow::Result<Questions<Facts>> {
    let Some(http) = &options.http else {
        return Ok(Questions::none());
    };
    holdfast_probes::start((http.host.as_str(), http.port))
        .with_context(|| format!("serve probes and metrics at {http}"))
}

/// The groups as the core takes them.
pub(super) fn groups(options: &Options) -> Vec<GroupConfig> {
    let groups = options.groups.iter().map(|group| GroupConfig {
        name: group.name.clone(),
        nodes: group.nodes,
        terms: Terms {
            durability: group.durability,
            sync_replicas: group.sync_replicas,
            on_loss_of_quorum: group.on_loss_of_quorum,
        },
        cache: group.cache,
        handoff_pace: options.handoff_pace_ms,
    });
    groups.collect()
}

/// The names of all sentinels.
pub(super) fn set(options: &Options) -> BTreeSet<Sentinel> {
    let peers = options.sentinels.iter();
    peers.map(|peer| peer.name.clone()).collect()
}

fn settings(options: &Options, identity: &str) -> SentinelSettings {
    SentinelSettings {
        name: options.name.clone(),
        identity: identity.to_owned(),
        run: random_run(),
        set: set(options),
        groups: groups(options),
        mutant: Mutant::None,
    }
}

/// A number for this run. Were the system out of randomness, the time would do: it must only never come again.
fn random_run() -> u64 {
    let mut bytes = [0_u8; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_be_bytes(bytes),
        Err(_) => crate::bell::wall(),
    }
}

async fn stop_signal() -> anyhow::Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate()).context("wait for SIGTERM")?;
    let mut int = signal(SignalKind::interrupt()).context("wait for SIGINT")?;
    tokio::select! {
        _ = term.recv() => Ok("SIGTERM"),
        _ = int.recv() => Ok("SIGINT"),
    }
}
