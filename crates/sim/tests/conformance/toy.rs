//! Three model servers on a network that delivers at once.

use crate::facts::{Facts, Names, Node};
use crate::script::Step;
use holdfast_core::names::Address;
use holdfast_sim::model::{
    Command, CopyFault, Damage, Effect, Files, LinkId, Message, Persistence, Refusal, Reply,
    Server, Settings,
};
use holdfast_sim::rng::Rng;
use std::collections::{BTreeMap, VecDeque};

enum Event {
    Opened(LinkId),
    Closed(LinkId),
    Message(LinkId, Message),
}

pub(crate) struct Toy {
    now: u64,
    rng: Rng,
    persistence: Persistence,
    newer: bool,
    servers: Vec<Option<Server>>,
    files: Vec<Files>,
    links: BTreeMap<LinkId, (usize, usize)>,
    queue: VecDeque<(usize, Event)>,
    late: Vec<String>,
    names: Names,
    values: u64,
    /// A copy has failed.
    broken: bool,
}

fn address(node: usize) -> Address {
    Address::new("model", node as u16)
}

fn nowhere() -> Address {
    Address::new("model", 999)
}

impl Toy {
    pub(crate) fn start(persistence: Persistence, newer: bool) -> Self {
        let mut toy = Self {
            now: 0,
            rng: Rng::new(1),
            persistence,
            newer,
            servers: vec![None, None, None],
            files: vec![Files::default(), Files::default(), Files::default()],
            links: BTreeMap::new(),
            queue: VecDeque::new(),
            late: Vec::new(),
            names: Names::default(),
            values: 0,
            broken: false,
        };
        (0..3).for_each(|node| toy.boot(node));
        toy
    }

    pub(crate) fn apply(&mut self, step: Step) -> String {
        let answer = self.run(step);
        self.settle();
        answer
    }

    fn run(&mut self, step: Step) -> String {
        match step {
            Step::Follow(node, target) => {
                self.command(node, Command::ReplicaOf(Some(address(target))))
            }
            Step::Seal(node) => self.command(node, Command::ReplicaOf(Some(nowhere()))),
            Step::Promote(node) => self.command(node, Command::ReplicaOf(None)),
            Step::Touch(node) => self.command(node, Command::TouchBacklog),
            Step::Write(node) | Step::Hold(node) => {
                self.values += 1;
                self.command(
                    node,
                    Command::Write {
                        client: 1,
                        value: self.values,
                    },
                )
            }
            Step::Publish(node) => self.command(node, Command::Publish),
            Step::Fence(node) => self.command(node, Command::Fence(true)),
            Step::Unfence(node) => self.command(node, Command::Fence(false)),
            Step::Keep(node) => self.command(node, Command::KeepCopies(true)),
            Step::Give(node) => self.command(node, Command::KeepCopies(false)),
            Step::Pause(node) => self.command(node, Command::Pause(600_000_000)),
            Step::Unpause(node) => {
                self.command(node, Command::Unpause);
                self.pump();
                std::mem::take(&mut self.late).join(",")
            }
            Step::Save(node) => self.command(node, Command::Save),
            Step::Flush(node) => self.command(node, Command::Flush),
            Step::Kill(node) => self.kill(node),
            Step::Start(node) => {
                self.boot(node);
                "ok".into()
            }
            Step::Break(node) => {
                // Which of the two empties memory first.
                let fault = if self.newer {
                    CopyFault::BeforeFlush
                } else {
                    CopyFault::AfterFlush
                };
                self.copies(node, fault)
            }
            Step::Mend(node) => self.copies(node, CopyFault::None),
            Step::Script(node, wrote) => self.command(node, Command::Script(wrote)),
            Step::EndScript(node) => self.command(node, Command::EndScript),
            Step::Cut(node) => {
                let log = self.files[node].log.as_mut();
                log.map_or_else(String::new, |log| log.pop().map(|_| "ok".into()).unwrap())
            }
            Step::LoseManifest(node) => {
                self.files[node].damage(Damage::LostManifest, &mut self.rng);
                "ok".into()
            }
        }
    }

    fn copies(&mut self, node: usize, fault: CopyFault) -> String {
        self.broken = true;
        if let Some(server) = &mut self.servers[node] {
            server.fail_copies(fault);
        }
        "ok".into()
    }

    fn command(&mut self, node: usize, command: Command) -> String {
        let now = self.now;
        let Some(server) = &mut self.servers[node] else {
            return "down".into();
        };
        text(&server.command(now, command))
    }

    fn boot(&mut self, node: usize) {
        let settings = Settings {
            ping_us: u64::MAX / 2,
            repl_timeout_us: u64::MAX / 2,
            persistence: self.persistence,
            counts_without_backlog: self.newer,
            ..Settings::new(address(node))
        };
        let files = std::mem::take(&mut self.files[node]);
        let rng = self.rng.fork(node as u64);
        self.servers[node] = Some(Server::start(
            self.now,
            settings,
            files,
            Some(nowhere()),
            rng,
        ));
    }

    fn kill(&mut self, node: usize) -> String {
        let Some(server) = self.servers[node].take() else {
            return "down".into();
        };
        self.files[node] = server.files().clone();
        for (link, (a, b)) in self.links.clone() {
            if a == node || b == node {
                self.links.remove(&link);
                self.queue
                    .push_back((if a == node { b } else { a }, Event::Closed(link)));
            }
        }
        "ok".into()
    }

    /// Lets five seconds pass, so that every retry and load is over.
    fn settle(&mut self) {
        for _ in 0..500 {
            self.now += 10_000;
            let now = self.now;
            self.servers
                .iter_mut()
                .flatten()
                .for_each(|server| server.tick(now));
            self.pump();
        }
    }

    fn pump(&mut self) {
        loop {
            for node in 0..3 {
                let mut effects = Vec::new();
                if let Some(server) = &mut self.servers[node] {
                    server.swap_effects(&mut effects);
                }
                for effect in effects {
                    self.perform(node, effect);
                }
            }
            let Some((node, event)) = self.queue.pop_front() else {
                return;
            };
            let now = self.now;
            let Some(server) = &mut self.servers[node] else {
                continue;
            };
            match event {
                Event::Opened(link) => server.link_opened(now, link),
                Event::Closed(link) => server.link_closed(now, link),
                Event::Message(link, message) => server.received(now, link, message),
            }
        }
    }

    fn perform(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Connect { link, to } => {
                let target =
                    (0..3).find(|other| address(*other) == to && self.servers[*other].is_some());
                match target {
                    Some(target) => {
                        self.links.insert(link, (node, target));
                        self.queue.push_back((node, Event::Opened(link)));
                    }
                    None => self.queue.push_back((node, Event::Closed(link))),
                }
            }
            Effect::Send { link, message } => {
                let event = match self.links.get(&link) {
                    Some((a, b)) => (
                        if *a == node { *b } else { *a },
                        Event::Message(link, message),
                    ),
                    None => (node, Event::Closed(link)),
                };
                self.queue.push_back(event);
            }
            Effect::Close { link } => {
                if let Some((a, b)) = self.links.remove(&link) {
                    self.queue
                        .push_back((if a == node { b } else { a }, Event::Closed(link)));
                }
            }
            Effect::Late { outcome, .. } => self.late.push(text(&outcome)),
            Effect::ClosedClients => {}
        }
    }

    pub(crate) fn facts(&mut self) -> Facts {
        let nodes = (0..3).map(|node| self.node(node)).collect();
        let mut facts = Facts::new(nodes);
        if self.broken {
            facts.forget_counts();
        }
        facts
    }

    fn node(&mut self, node: usize) -> (Node, u64) {
        let Some(server) = &self.servers[node] else {
            return (Node::down(), 0);
        };
        if server.busy_since().is_some() {
            return (Node::busy(), 0);
        }
        let info = server.info();
        let facts = Node {
            up: true,
            primary: info.primary,
            following: info
                .following
                .as_ref()
                .and_then(|to| (0..3).find(|other| address(*other) == *to)),
            link_up: info.link_up,
            history: self.names.of(&info.replid.to_string()),
            second: info
                .replid2
                .map(|replid| self.names.of(&replid.to_string())),
            backlog: info.backlog,
            loading: info.loading,
            keys: info.keys,
            sync_full: info.sync_full,
            sync_partial: info.sync_partial,
        };
        (facts, info.offset)
    }
}

fn text(outcome: &Result<Reply, Refusal>) -> String {
    match outcome {
        Ok(Reply::Held) => "held",
        Ok(_) => "ok",
        Err(Refusal::Loading) => "LOADING",
        Err(Refusal::ReadOnly) => "READONLY",
        Err(Refusal::NoReplicas) => "NOREPLICAS",
        Err(Refusal::Busy) => "BUSY",
        Err(Refusal::Unkillable) => "UNKILLABLE",
        Err(Refusal::NotBusy) => "NOTBUSY",
    }
    .into()
}
