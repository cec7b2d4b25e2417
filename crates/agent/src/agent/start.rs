//! From options to a running agent.

use super::{INBOX_MAX, Notice, Running, hands::Hands, leftover, showing::Showing};
use crate::audience::Audience;
use crate::clients;
use crate::control::Dialing;
use crate::facts::Facts;
use crate::memory::Memory;
use crate::options::Options;
use crate::server::{Version, reaper};
use anyhow::{Context, ensure};
use holdfast_core::agent::{Agent, AgentInput, Settings};
use holdfast_core::mutant::Mutant;
use holdfast_core::record::Durability;
use holdfast_core::wire::WIRE_VERSION;
use holdfast_link::{Identity, Kind, Secret, random_hex};
use holdfast_probes::Questions;
use std::collections::BTreeMap;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

/// Niceness of a process whose delays cost a group its lease.
const NICE: i32 = -10;

/// Seconds kept back from the time that a stop may take, for redis-server to end in.
const END_SECONDS: u32 = 5;

/// Runs an agent until SIGTERM (hand over, then end) or SIGINT (end). Needs a current-thread runtime on
/// the process's main thread: redis-server dies with the thread that started it. Whoever holds the other end of `renewed`
/// sends the options again whenever they, or files named in them, have changed; or why they cannot be made any more, which is logged.
///
/// # Errors
/// When an option makes no sense, redis-server cannot be started, or the node's memory cannot be used.
pub async fn run(
    options: Options,
    audience: Box<dyn Audience>,
    renewed: mpsc::Receiver<Result<Options, String>>,
) -> anyhow::Result<()> {
    LocalSet::new()
        .run_until(Box::pin(serve(options, audience, renewed)))
        .await
}

async fn serve(
    options: Options,
    audience: Box<dyn Audience>,
    renewed: mpsc::Receiver<Result<Options, String>>,
) -> anyhow::Result<()> {
    // Where it may. It needs little of a core, but at once; redis-server keeps the usual share.
    let _ = rustix::process::setpriority_process(None, NICE);
    ensure!(
        !options.sentinels.is_empty(),
        "no sentinel to obey: name all of them under `sentinels`"
    );
    let version = Version::detect(&options.server)?;
    let secret = Secret::read(&options.secret_file)?;
    let questions = questions(&options)?;
    let (inbox_sender, inbox) = mpsc::channel(INBOX_MAX);
    let names = (&options.cluster, &options.group, &options.name);
    let (memory, stored) = Memory::open(
        &options.dir,
        names,
        random_hex::<16>()?,
        inbox_sender.clone(),
    )?;
    leftover::end(&options.dir)
        .await
        .context("end a redis-server left over from before")?;
    let password = secret.prove(&["redis-server", options.cluster.as_str()]);
    let server = Some(version.named());
    let (events_sender, events) = mpsc::channel(64);
    let mut hands = Hands::new(
        options.clone(),
        version,
        password,
        &stored,
        events_sender,
        inbox_sender.clone(),
    );
    hands.open_gate()?;
    answer_askers(&options, inbox_sender.clone());
    let settings = Settings {
        node: options.name.clone(),
        address: options.announced().clone(),
        priority: options.priority,
        on_disk: options.durability == Durability::Fsync,
        restart: options.restart,
        script_limit: u64::from(options.script_limit_seconds) * 1000,
        pause_limit: holdfast_core::limits::PAUSE_WAITED,
        gated: options.gated(),
        server,
        mutant: Mutant::None,
    };
    let core = Agent::new(settings, stored);
    let mut dialing = Dialing::new(identity(&options, secret), inbox_sender);
    dialing.reach(&options.sentinels);
    tokio::task::spawn_local(reaper::run(false));
    let node = options.name.clone();
    let (dir, stopping) = (options.dir.clone(), stops(options.stop_seconds)?);
    let running = Running {
        options: options.clone(),
        dialing,
        core,
        node,
        hands,
        memory,
        showing: Showing::new(options, audience),
        sentinels: BTreeMap::new(),
        done_at: 0,
        exit: None,
    };
    let result = running
        .serve(inbox, events, stopping, questions, renewed)
        .await;
    leftover::forget(&dir);
    result
}

/// Those who ask who is connected. A directory in which no socket can be is no reason not to serve.
fn answer_askers(options: &Options, inbox: mpsc::Sender<Notice>) {
    match clients::open(&options.dir) {
        Ok(listener) => drop(tokio::task::spawn_local(clients::serve(listener, inbox))),
        Err(error) => tracing::warn!(
            "`holdfast clients` will get no answer: cannot listen in {}: {error}",
            options.dir.display()
        ),
    }
}

/// Those who ask over HTTP, if anybody may.
fn questions(options: &Options) -> anyhow::Result<Questions<Facts>> {
    let Some(http) = &options.http else {
        return Ok(Questions::none());
    };
    holdfast_probes::start((http.host.as_str(), http.port))
        .with_context(|| format!("serve probes and metrics at {http}"))
}

fn identity(options: &Options, secret: Secret) -> Identity {
    Identity {
        wire: WIRE_VERSION,
        cluster: options.cluster.to_string(),
        kind: Kind::Agent,
        group: options.group.to_string(),
        name: options.name.to_string(),
        secret,
    }
}

/// Turns SIGTERM and SIGINT into wishes to stop.
fn stops(stop_seconds: u32) -> anyhow::Result<mpsc::Receiver<AgentInput>> {
    let mut term = signal(SignalKind::terminate()).context("wait for SIGTERM")?;
    let mut int = signal(SignalKind::interrupt()).context("wait for SIGINT")?;
    let within = u64::from(stop_seconds.saturating_sub(END_SECONDS).max(1)) * 1000;
    let (sender, receiver) = mpsc::channel::<AgentInput>(1);
    tokio::task::spawn_local(async move {
        let handoff = tokio::select! {
            _ = term.recv() => true,
            _ = int.recv() => false,
        };
        let _ = sender.send(AgentInput::Stop { handoff, within }).await;
    });
    Ok(receiver)
}
