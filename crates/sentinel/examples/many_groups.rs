//! One set of sentinels with many groups: what it costs.
//!
//! `cargo run --release -p holdfast-sentinel --example many_groups -- HOLDFAST DIR [GROUPS] [NODES] [SECONDS] [SENTINELS]`
//!
//! Starts real sentinel processes, three unless told otherwise, and plays the agents of all nodes: the real mind of an agent on a
//! real authenticated connection, round a redis of a few lines. Prints CPU and memory of each sentinel
//! over SECONDS of steady state, then kills every primary at once and says how long until all are served.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

use holdfast_core::agent::{
    Agent, AgentInput, AgentOutput, DataAtStart, Operation, ServerInfo, Settings, Stored,
};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Address, Cluster, Group, Incarnation, Node, Sentinel};
use holdfast_core::record::{Durability, OnLossOfQuorum};
use holdfast_core::wire::{FromSentinel, ToSentinel, WIRE_VERSION};
use holdfast_link::{Identity, Kind, Outbox, Secret, Whereabouts, dial};
use holdfast_sentinel::{GroupOptions, Options, Peer};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

const BASE_PORT: u16 = 29_000;
/// Pace of each played agent's clock.
const TICK: Duration = Duration::from_millis(100);

/// One played node.
struct Played {
    agent: Agent,
    info: ServerInfo,
    run: u64,
    sentinels: BTreeMap<Sentinel, Outbox>,
}

fn now(began: Instant) -> u64 {
    1_000_000 + began.elapsed().as_millis() as u64
}

impl Played {
    fn step(&mut self, began: Instant, input: AgentInput) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for output in self.agent.step(now(began), input) {
                match output {
                    AgentOutput::Broadcast(report) => {
                        let message = ToSentinel::Report(report);
                        Outbox::send_all(&mut self.sentinels, &message);
                    }
                    AgentOutput::Store {
                        stored,
                        durable: true,
                    } => inputs.push(AgentInput::Stored(stored.promised)),
                    AgentOutput::Do(operation) => inputs.push(self.operate(operation)),
                    _ => {}
                }
            }
        }
    }

    fn operate(&mut self, operation: Operation) -> AgentInput {
        match operation {
            Operation::Start => {
                self.run += 1;
                self.info.incarnation = Incarnation::from(format!("{:040x}", self.run));
                self.info.is_master = false;
                return AgentInput::Started(
                    self.info.clone(),
                    DataAtStart {
                        blank: self.run == 1,
                        ..DataAtStart::default()
                    },
                );
            }
            Operation::Promote => {
                self.info.is_master = true;
                self.info.offset += 1;
            }
            Operation::Seal => self.info.is_master = false,
            Operation::Follow(_) => self.info.link_up = true,
            _ => {}
        }
        AgentInput::Done(operation, Ok(self.info.clone()))
    }
}

fn options(name: usize, dir: &Path, groups: usize, nodes: usize, set: u16) -> Options {
    let at = |port: u16| Address::new("127.0.0.1", port);
    let peer = |i: u16| Peer {
        name: Sentinel::from(format!("sentinel-{i}")),
        control: at(BASE_PORT + 10 + i),
        clients: at(BASE_PORT + i),
    };
    Options {
        name: Sentinel::from(format!("sentinel-{name}")),
        cluster: Cluster::from("many"),
        secret_file: dir.join("secret"),
        dir: dir.join(format!("sentinel-{name}")),
        listen: at(BASE_PORT + name as u16),
        control: at(BASE_PORT + 10 + name as u16),
        sentinels: (0..set).map(peer).collect(),
        groups: (0..groups)
            .map(|g| GroupOptions {
                name: Group::from(format!("group-{g:04}")),
                nodes,
                durability: Durability::Async,
                sync_replicas: 1,
                on_loss_of_quorum: OnLossOfQuorum::Hold,
                cache: false,
            })
            .collect(),
        client_password_file: None,
        acl_file: None,
        tls_cert_file: None,
        tls_key_file: None,
        tls_client_ca_file: None,
        announce_hostnames: None,
        max_clients: 100,
        handoff_pace_ms: 0,
        open_administration: false,
        http: None,
    }
}

fn start(binary: &str, dir: &Path, options: &Options) -> Child {
    let path = dir.join(format!("{}.yaml", options.name));
    // JSON is YAML.
    std::fs::write(&path, serde_json::to_string(options).unwrap()).unwrap();
    let log = std::fs::File::create(path.with_extension("log")).unwrap();
    Command::new(binary)
        .arg("sentinel")
        .arg("--config")
        .arg(path)
        .stderr(log)
        .stdout(Stdio::null())
        .spawn()
        .expect("start a sentinel")
}

/// CPU seconds and resident MiB of a process.
fn cost(pid: u32) -> (f64, f64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let kib = status
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse::<f64>()
        .unwrap();
    (ticks / 100.0, kib / 1024.0)
}

/// Notes how late this process comes to its work: when that is long, it is the played agents that fall behind.
async fn watch_lateness(worst: Rc<Cell<Duration>>) {
    const NAP: Duration = Duration::from_millis(10);
    loop {
        let from = Instant::now();
        tokio::time::sleep(NAP).await;
        worst.set(worst.get().max(from.elapsed().saturating_sub(NAP)));
    }
}

async fn keep(played: Rc<RefCell<Played>>, me: Identity, sentinel: u16, began: Instant) {
    loop {
        if let Ok((met, mut reader, writer)) = dial(
            &mut Whereabouts::new("127.0.0.1", BASE_PORT + 10 + sentinel),
            &me,
        )
        .await
        {
            let name = Sentinel::from(met.name);
            let (outbox, sending) = Outbox::open(writer, 128);
            tokio::task::spawn_local(sending);
            played.borrow_mut().sentinels.insert(name.clone(), outbox);
            played
                .borrow_mut()
                .step(began, AgentInput::Linked(name.clone()));
            while let Ok(Some(message)) = reader.next::<FromSentinel>().await {
                played
                    .borrow_mut()
                    .step(began, AgentInput::Sentinel(name.clone(), message));
            }
            played.borrow_mut().step(began, AgentInput::Unlinked(name));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |at: usize, default: usize| {
        args.get(at)
            .map_or(default, |text| text.parse().expect("a number"))
    };
    let (binary, dir) = (args[1].clone(), Path::new(&args[2]).to_owned());
    let (groups, nodes, seconds) = (number(3, 1000), number(4, 4), number(5, 30));
    let set = number(6, 3) as u16;
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("secret"), "a secret of many groups").unwrap();
    let mut sentinels: Vec<Child> = (0..usize::from(set))
        .map(|i| start(&binary, &dir, &options(i, &dir, groups, nodes, set)))
        .collect();
    let local = tokio::task::LocalSet::new();
    local
        .run_until(Box::pin(play(&dir, groups, nodes, seconds, &sentinels)))
        .await;
    for sentinel in &mut sentinels {
        let _ = sentinel.kill();
        let _ = sentinel.wait();
    }
}

async fn play(dir: &Path, groups: usize, nodes: usize, seconds: usize, sentinels: &[Child]) {
    let began = Instant::now();
    let secret = Secret::read(&dir.join("secret")).unwrap();
    let mut all = Vec::new();
    for group in 0..groups {
        for node in 0..nodes {
            all.push(play_node(
                group,
                node,
                sentinels.len() as u16,
                &secret,
                began,
            ));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let open = |all: &[Rc<RefCell<Played>>]| {
        all.iter()
            .filter(|p| p.borrow().agent.standing().is_open())
            .count()
    };
    while open(&all) < groups {
        assert!(
            began.elapsed() < Duration::from_secs(180),
            "only {} of {groups} groups are served",
            open(&all)
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!(
        "{groups} groups of {nodes} nodes served after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before: Vec<_> = sentinels.iter().map(|s| cost(s.id())).collect();
    let (playing, _) = cost(std::process::id());
    let from = Instant::now();
    let late = Rc::new(Cell::new(Duration::ZERO));
    tokio::task::spawn_local(watch_lateness(late.clone()));
    tokio::time::sleep(Duration::from_secs(seconds as u64)).await;
    for (sentinel, (cpu, _)) in sentinels.iter().zip(before) {
        let (later, memory) = cost(sentinel.id());
        println!(
            "sentinel: {:.2} of a core, {memory:.0} MiB",
            (later - cpu) / from.elapsed().as_secs_f64()
        );
    }
    let (played, _) = cost(std::process::id());
    println!(
        "the played agents: {:.2} of a core, at most {} ms late",
        (played - playing) / from.elapsed().as_secs_f64(),
        late.get().as_millis()
    );
    println!("served in steady state: {} of {groups}", open(&all));
    for played in &all {
        let mut played = played.borrow_mut();
        if played.agent.standing().is_open() {
            played.step(began, AgentInput::Died("killed".to_owned()));
        }
    }
    let from = Instant::now();
    tokio::time::sleep(Duration::from_millis(20)).await;
    while open(&all) < groups && from.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!(
        "all {groups} primaries killed at once: {} served again after {:.2} s",
        open(&all),
        from.elapsed().as_secs_f64()
    );
}

fn play_node(
    group: usize,
    node: usize,
    set: u16,
    secret: &Secret,
    began: Instant,
) -> Rc<RefCell<Played>> {
    let name = Node::from(format!("redis-{node}"));
    let settings = Settings {
        restart: true,
        script_limit: 10_000,
        pause_limit: holdfast_core::limits::PAUSE_WAITED,
        on_disk: false,
        node: name.clone(),
        address: Address::new(
            format!("10.0.{}.{}", group / 250, group % 250),
            6379 + node as u16,
        ),
        priority: 100,
        server: None,
        mutant: Mutant::None,
        gated: false,
    };
    let info = ServerInfo {
        replid: format!("{group:040x}"),
        keys: 1,
        persisted: true,
        ..ServerInfo::default()
    };
    let agent = Agent::new(settings, Stored::default());
    let played = Rc::new(RefCell::new(Played {
        agent,
        info,
        run: 0,
        sentinels: BTreeMap::new(),
    }));
    let me = Identity {
        wire: WIRE_VERSION,
        cluster: "many".to_owned(),
        kind: Kind::Agent,
        group: format!("group-{group:04}"),
        name: name.to_string(),
        secret: secret.clone(),
    };
    for sentinel in 0..set {
        tokio::task::spawn_local(keep(played.clone(), me.clone(), sentinel, began));
    }
    let ticking = played.clone();
    tokio::task::spawn_local(async move {
        loop {
            let info = ticking.borrow().info.clone();
            let up = ticking.borrow().run > 0;
            ticking.borrow_mut().step(
                began,
                if up {
                    AgentInput::Info(info)
                } else {
                    AgentInput::Tick
                },
            );
            tokio::time::sleep(TICK).await;
        }
    });
    played
}
