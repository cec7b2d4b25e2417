//! A whole group in memory: real sentinels' and agents' minds, a few lines of redis, messages that take a
//! millisecond. Time passes only when told, so every test takes the same course each time.

#![allow(dead_code)] // Each test uses a part of it.

use holdfast_core::agent::{
    Agent, AgentInput, AgentOutput, DataAtStart, Operation, ServerInfo, Settings, Standing, Stored,
};
use holdfast_core::decided::Decided;
use holdfast_core::gate::GateOrder;
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Address, Group as Name, Incarnation, Node, Sentinel};
use holdfast_core::position::Position;
use holdfast_core::record::{Record, Terms};
use holdfast_core::sentinel::{
    GroupConfig, Happening, Persistent, Request, SentinelCore, SentinelInput, SentinelOutput,
    SentinelSettings, Written,
};
use holdfast_core::stamp::Stamp;
use holdfast_core::syncset::SyncRule;
use holdfast_core::wire::Condition;
use std::collections::{BTreeMap, BTreeSet};

/// Time that a message or an operation takes.
const HOP: u64 = 1;

/// What scripts are given.
pub(crate) const SCRIPT_LIMIT: u64 = 10_000;

/// One redis-server, as far as an agent can see.
#[derive(Clone, Default)]
pub(crate) struct Redis {
    pub(crate) run: u64,
    pub(crate) alive: bool,
    pub(crate) frozen: bool,
    /// It runs an endless script; whether that has written.
    pub(crate) script: Option<bool>,
    pub(crate) info: ServerInfo,
}

#[allow(clippy::large_enum_variant)] // a short queue of a test
enum Event {
    Sentinel(Sentinel, SentinelInput),
    Agent(Node, AgentInput),
}

pub(crate) struct Group {
    pub(crate) now: u64,
    pub(crate) sentinels: BTreeMap<Sentinel, SentinelCore>,
    pub(crate) agents: BTreeMap<Node, Agent>,
    pub(crate) redis: BTreeMap<Node, Redis>,
    pub(crate) events: Vec<(u64, Sentinel, Happening)>,
    pub(crate) decisions: Vec<(u64, Decided)>,
    pub(crate) answers: Vec<(u64, Result<String, String>)>,
    pub(crate) cut: BTreeSet<Node>,
    /// Sentinels that hear no node.
    pub(crate) deaf: BTreeSet<Sentinel>,
    pub(crate) data: BTreeMap<Node, DataAtStart>,
    pub(crate) set: BTreeSet<Sentinel>,
    pub(crate) config: GroupConfig,
    /// What each agent's disk holds.
    pub(crate) disks: BTreeMap<Node, Stored>,
    /// What each gate was told last.
    pub(crate) gates: BTreeMap<Node, GateOrder>,
    /// Whether a gate that pauses is soon through with what was asked before.
    pub(crate) drains: bool,
    /// Whether clients write.
    pub(crate) written: bool,
    /// What each sentinel's disk holds.
    pub(crate) registers: BTreeMap<Sentinel, Persistent>,
    /// When agents that were to stop were through with it.
    pub(crate) ended: BTreeMap<Node, u64>,
    queue: BTreeMap<(u64, u64), Event>,
    count: u64,
}

pub(crate) fn name() -> Name {
    Name::from("mymaster")
}

pub(crate) fn node(number: usize) -> Node {
    Node::from(format!("redis-{number}"))
}

pub(crate) fn sentinel(number: usize) -> Sentinel {
    Sentinel::from(format!("sentinel-{number}"))
}

/// Whether it was told to follow that node.
fn follows(agent: &Agent, primary: &Node) -> bool {
    matches!(agent.standing(), Standing::Following(_, address) if address.host == primary.as_str())
}

impl Group {
    /// Three sentinels and this many nodes, started, formed and stable.
    pub(crate) fn started(nodes: usize) -> Self {
        let mut group = Self::cold(nodes);
        group.run(2500);
        assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
        group
    }

    /// The same, just switched on.
    pub(crate) fn cold(nodes: usize) -> Self {
        Self::cold_with(nodes, Terms::default())
    }

    /// The same with these terms.
    pub(crate) fn cold_with(nodes: usize, terms: Terms) -> Self {
        let config = GroupConfig {
            name: name(),
            nodes,
            terms,
            cache: false,
            handoff_pace: 0,
        };
        let mut group = Self {
            now: 10_000,
            sentinels: BTreeMap::new(),
            agents: BTreeMap::new(),
            redis: BTreeMap::new(),
            events: Vec::new(),
            decisions: Vec::new(),
            answers: Vec::new(),
            cut: BTreeSet::new(),
            deaf: BTreeSet::new(),
            data: BTreeMap::new(),
            set: (0..3).map(sentinel).collect(),
            config,
            disks: BTreeMap::new(),
            gates: BTreeMap::new(),
            drains: true,
            written: true,
            registers: BTreeMap::new(),
            ended: BTreeMap::new(),
            queue: BTreeMap::new(),
            count: 0,
        };
        for number in 0..3 {
            group.start_sentinel(&sentinel(number), Persistent::default(), "disk");
        }
        for number in 0..nodes {
            let blank = DataAtStart {
                blank: true,
                unfinished: true,
                ..DataAtStart::default()
            };
            group.data.insert(node(number), blank);
            group.start_agent(&node(number), Stored::default());
        }
        group
    }

    pub(crate) fn start_sentinel(&mut self, me: &Sentinel, persistent: Persistent, disk: &str) {
        self.count += 1;
        let settings = SentinelSettings {
            name: me.clone(),
            identity: format!("{me}-{disk}"),
            run: self.count,
            set: self.set.clone(),
            groups: vec![self.config.clone()],
            mutant: Mutant::None,
        };
        self.sentinels
            .insert(me.clone(), SentinelCore::new(settings, persistent));
        let others: Vec<_> = self
            .sentinels
            .keys()
            .filter(|other| *other != me)
            .cloned()
            .collect();
        for other in others {
            self.later(Event::Sentinel(
                me.clone(),
                SentinelInput::PeerLinked(other.clone()),
            ));
            self.later(Event::Sentinel(
                other,
                SentinelInput::PeerLinked(me.clone()),
            ));
        }
        for node in self.agents.keys().cloned().collect::<Vec<_>>() {
            self.link(me, &node);
        }
    }

    pub(crate) fn stop_sentinel(&mut self, me: &Sentinel) {
        self.sentinels.remove(me);
        for other in self.sentinels.keys().cloned().collect::<Vec<_>>() {
            self.later(Event::Sentinel(other, SentinelInput::PeerGone(me.clone())));
        }
        for node in self.agents.keys().cloned().collect::<Vec<_>>() {
            self.later(Event::Agent(node, AgentInput::Unlinked(me.clone())));
        }
    }

    pub(crate) fn start_agent(&mut self, node: &Node, stored: Stored) {
        self.start_agent_at(node, stored, node.as_str());
    }

    fn start_agent_at(&mut self, node: &Node, stored: Stored, host: &str) {
        let address = Address::new(host, 6379);
        let settings = Settings {
            node: node.clone(),
            address,
            priority: 100,
            on_disk: self.config.terms.on_disk(),
            restart: true,
            script_limit: SCRIPT_LIMIT,
            pause_limit: holdfast_core::limits::PAUSE_WAITED,
            gated: self.config.terms.k() > 0,
            mutant: Mutant::None,
            server: None,
        };
        self.agents
            .insert(node.clone(), Agent::new(settings, stored));
        for me in self.sentinels.keys().cloned().collect::<Vec<_>>() {
            self.link(&me, node);
        }
    }

    fn link(&mut self, me: &Sentinel, node: &Node) {
        let linked = SentinelInput::AgentLinked {
            group: name(),
            node: node.clone(),
        };
        self.later(Event::Sentinel(me.clone(), linked));
        self.later(Event::Agent(node.clone(), AgentInput::Linked(me.clone())));
    }

    /// Ends an agent and its redis-server; every sentinel sees the connection reset.
    pub(crate) fn kill_agent(&mut self, node: &Node) {
        self.agents.remove(node);
        self.redis.entry(node.clone()).or_default().alive = false;
        for me in self.sentinels.keys().cloned().collect::<Vec<_>>() {
            let gone = SentinelInput::AgentGone {
                group: name(),
                node: node.clone(),
                reset: true,
            };
            self.later(Event::Sentinel(me, gone));
        }
    }

    /// Ends every agent with its redis-server, as a loss of power does.
    pub(crate) fn power_off(&mut self) {
        for node in self.agents.keys().cloned().collect::<Vec<_>>() {
            self.kill_agent(&node);
        }
        self.run(50);
    }

    /// Starts a member of epoch 1 again, with its data up to `offset`, or without any.
    pub(crate) fn come_back(&mut self, node: &Node, offset: Option<u64>) {
        let blank = offset.is_none();
        self.data.insert(
            node.clone(),
            DataAtStart {
                blank,
                ..DataAtStart::default()
            },
        );
        let position = offset.map(|offset| Position { epoch: 1, offset });
        self.start_agent(
            node,
            Stored {
                promised: 1,
                member: true,
                position,
                ..Stored::default()
            },
        );
    }

    /// Asks an agent to end, as SIGTERM does.
    pub(crate) fn stop_agent(&mut self, node: &Node, within: u64) {
        let handoff = true;
        self.later(Event::Agent(
            node.clone(),
            AgentInput::Stop { handoff, within },
        ));
    }

    /// Starts a member again with what its agent's disk holds, and this stamp in its data.
    pub(crate) fn power_on(&mut self, node: &Node, stamp: Option<Stamp>) {
        self.power_on_with(node, stamp, DataAtStart::default());
    }

    /// The same with these files, which its redis-server then shows as well.
    pub(crate) fn power_on_with(&mut self, node: &Node, stamp: Option<Stamp>, data: DataAtStart) {
        let redis = self.redis.entry(node.clone()).or_default();
        redis.info.stamp = stamp;
        redis.info.files = (!data.files.is_empty()).then(|| data.files.clone());
        self.data.insert(node.clone(), data);
        self.start_agent(node, self.disks[node].clone());
    }

    /// Ends a member and starts it with the same data at another address.
    pub(crate) fn move_to(&mut self, node: &Node, host: &str) {
        self.kill_agent(node);
        self.data.insert(node.clone(), DataAtStart::default());
        self.start_agent_at(node, self.disks[node].clone(), host);
    }

    /// Something happens to an agent.
    pub(crate) fn hear(&mut self, node: &Node, input: AgentInput) {
        self.later(Event::Agent(node.clone(), input));
    }

    /// The gate of the primary tells which members hold replies back.
    pub(crate) fn tell_lagging(&mut self, nodes: &[Node]) {
        let nodes = nodes.iter().cloned().collect();
        if let Some(primary) = self.primary() {
            self.hear(&primary, AgentInput::Lagging(nodes));
        }
    }

    /// An endless script runs, which has written or not; its agent sees it 5 s later, as `-BUSY`.
    pub(crate) fn run_script(&mut self, node: &Node, written: bool) {
        self.redis.entry(node.clone()).or_default().script = Some(written);
        self.run(5_000);
        self.condition(node, Condition::Busy, 5_000);
    }

    /// The watch tells what keeps a redis-server from serving.
    pub(crate) fn condition(&mut self, node: &Node, condition: Condition, for_ms: u64) {
        self.hear(node, AgentInput::Condition { condition, for_ms });
    }

    /// Ends a redis-server; its agent sees it at once.
    pub(crate) fn kill_redis(&mut self, node: &Node) {
        let redis = self.redis.entry(node.clone()).or_default();
        (redis.alive, redis.script) = (false, None);
        self.hear(node, AgentInput::Died("killed".to_owned()));
    }

    /// Tells every sentinel the configuration as it is now.
    pub(crate) fn reconfigure(&mut self) {
        for me in self.sentinels.keys().cloned().collect::<Vec<_>>() {
            let input = SentinelInput::Reconfigure {
                set: self.set.clone(),
                groups: vec![self.config.clone()],
            };
            self.later(Event::Sentinel(me, input));
        }
    }

    pub(crate) fn ask(&mut self, me: &Sentinel, request: Request) {
        let ask = SentinelInput::Ask {
            id: 1,
            group: name(),
            request,
        };
        self.later(Event::Sentinel(me.clone(), ask));
    }

    /// The node that may be written to, if it is one.
    pub(crate) fn primary(&self) -> Option<Node> {
        let open: Vec<_> = self
            .agents
            .iter()
            .filter(|(n, a)| a.standing().is_open() && self.redis[*n].alive)
            .collect();
        // Where replies are held, a deposed primary may go on for itself.
        let held = self.config.terms.k() > 0;
        assert!(held || open.len() <= 1, "two writable primaries");
        let newest = open.iter().max_by_key(|(_, agent)| agent.promised());
        newest.map(|(node, _)| (*node).clone())
    }

    pub(crate) fn epoch(&self) -> u64 {
        let records = self
            .sentinels
            .values()
            .filter_map(|s| s.group(&name())?.record());
        records.map(|record| record.epoch).max().unwrap_or(0)
    }

    /// Lets time pass until somebody serves; returns how long that took.
    pub(crate) fn until_served(&mut self, most: u64) -> u64 {
        let began = self.now;
        while self.primary().is_none() {
            assert!(
                self.now < began + most,
                "nobody serves after {most} ms: {:#?}",
                self.decisions
            );
            self.run(1);
        }
        self.now - began
    }

    /// Lets this many milliseconds pass.
    pub(crate) fn run(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds {
            self.now += 1;
            self.write();
            if self.now.is_multiple_of(5) {
                self.tick();
            }
            while let Some(entry) = self.queue.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                match entry.remove() {
                    Event::Sentinel(me, input) => self.step_sentinel(&me, input),
                    Event::Agent(node, input) => self.step_agent(&node, input),
                }
            }
            self.primary();
        }
    }

    /// The primary takes a write, and its replicas have it a moment later.
    fn write(&mut self) {
        let Some(primary) = self.primary() else {
            return;
        };
        let leader = {
            let redis = self.redis.entry(primary.clone()).or_default();
            if self.written && redis.script.is_none() {
                redis.info.offset += 10;
                redis.info.keys = 1;
            }
            redis.info.clone()
        };
        for (node, agent) in &self.agents {
            let follows = follows(agent, &primary);
            if let Some(redis) = self.redis.get_mut(node).filter(|_| follows) {
                redis.info.replid.clone_from(&leader.replid);
                redis.info.offset = leader.offset;
                redis.info.keys = leader.keys;
                redis.info.link_up = true;
            }
        }
        self.confirm(&primary);
    }

    /// The gate of the primary confirms its rule once enough members follow.
    fn confirm(&mut self, primary: &Node) {
        let Some(GateOrder::Hold(hold)) = self.gates.get(primary) else {
            return;
        };
        let heard = self.agents.iter().filter(|(node, agent)| {
            let redis = &self.redis[*node];
            let here = matches!(agent.standing(), Standing::Following(_, to) if to.host == primary.as_str());
            here && redis.alive && !redis.frozen && redis.info.link_up
        });
        let heard = heard
            .map(|(node, _)| (node.clone(), self.redis[node].info.incarnation.clone()))
            .collect();
        if hold.rules.iter().all(|rule| rule.may_commit(&heard)) {
            let version = hold.version;
            self.later(Event::Agent(
                primary.clone(),
                AgentInput::Confirmed { version },
            ));
        }
    }

    /// Whether the gate of the primary releases anything by this rule now.
    pub(crate) fn rule(&self) -> Option<SyncRule> {
        match self.gates.get(&self.primary()?)? {
            GateOrder::Hold(hold) => hold.rules.last().cloned(),
            _ => None,
        }
    }

    /// The newest record that any sentinel knows.
    pub(crate) fn record(&self) -> Record {
        let records = self
            .sentinels
            .values()
            .filter_map(|s| s.group(&name())?.record());
        records.max_by_key(|r| r.version).cloned().unwrap()
    }

    fn tick(&mut self) {
        for me in self.sentinels.keys().cloned().collect::<Vec<_>>() {
            self.step_sentinel(&me, SentinelInput::Tick);
        }
        for node in self.agents.keys().cloned().collect::<Vec<_>>() {
            let replicas = self.agents.values().filter(|agent| follows(agent, &node));
            let replicas = replicas.count();
            let redis = self.redis.entry(node.clone()).or_default();
            redis.info.replicas = replicas;
            let look = (redis.alive && !redis.frozen && redis.script.is_none())
                .then(|| redis.info.clone());
            self.step_agent(&node, look.map_or(AgentInput::Tick, AgentInput::Info));
        }
    }

    fn later(&mut self, event: Event) {
        self.count += 1;
        self.queue.insert((self.now + HOP, self.count), event);
    }

    fn step_sentinel(&mut self, me: &Sentinel, input: SentinelInput) {
        let Some(core) = self.sentinels.get_mut(me) else {
            return;
        };
        for output in core.step(self.now, input) {
            match output {
                SentinelOutput::ToPeer { to, message } => {
                    let input = SentinelInput::Peer {
                        from: me.clone(),
                        message,
                    };
                    self.later(Event::Sentinel(to, input));
                }
                SentinelOutput::Persist { then, written } => {
                    let disk = self.registers.entry(me.clone()).or_default();
                    match written {
                        Written::Voters(voters) => disk.voters = voters,
                        Written::Slot { group, slot } => drop(disk.slots.insert(group, slot)),
                    }
                    for (to, message) in then {
                        let input = SentinelInput::Peer {
                            from: me.clone(),
                            message,
                        };
                        self.later(Event::Sentinel(to, input));
                    }
                }
                SentinelOutput::ToAgent { node, message, .. } if !self.cut.contains(&node) => {
                    self.later(Event::Agent(
                        node,
                        AgentInput::Sentinel(me.clone(), message),
                    ));
                }
                SentinelOutput::ToAgent { .. } => {}
                SentinelOutput::Decide { said, .. } => self.decisions.push((self.now, said)),
                SentinelOutput::Happened { happening, .. } => {
                    self.events.push((self.now, me.clone(), happening));
                }
                SentinelOutput::Answer { id, result } => {
                    self.answers.push((id, result.map(|answer| answer.text)));
                }
            }
        }
    }

    fn hearing(&self) -> Vec<Sentinel> {
        let all = self.sentinels.keys();
        all.filter(|me| !self.deaf.contains(*me)).cloned().collect()
    }

    fn step_agent(&mut self, node: &Node, input: AgentInput) {
        let Some(agent) = self.agents.get_mut(node) else {
            return;
        };
        for output in agent.step(self.now, input) {
            match output {
                AgentOutput::Broadcast(report) if !self.cut.contains(node) => {
                    for me in self.hearing() {
                        let (node, report) = (node.clone(), report.clone());
                        let input = SentinelInput::Report {
                            group: name(),
                            node,
                            report: report.into(),
                        };
                        self.later(Event::Sentinel(me, input));
                    }
                }
                AgentOutput::Store {
                    stored,
                    durable: true,
                } => {
                    let promised = stored.promised;
                    self.disks.insert(node.clone(), stored);
                    self.later(Event::Agent(node.clone(), AgentInput::Stored(promised)));
                }
                AgentOutput::SetAside(_) => {
                    let place = Ok("aside".to_owned());
                    self.later(Event::Agent(node.clone(), AgentInput::SetAside(place)));
                }
                AgentOutput::Do(operation) => self.operate(node, operation),
                AgentOutput::Decide(decision) => {
                    self.decisions.push((self.now, decision.said(node)));
                }
                AgentOutput::Gate(order) => {
                    if order == GateOrder::Pause && self.drains {
                        self.later(Event::Agent(node.clone(), AgentInput::Drained));
                    }
                    self.gates.insert(node.clone(), order);
                }
                AgentOutput::Exit => {
                    self.ended.entry(node.clone()).or_insert(self.now);
                }
                _ => {}
            }
        }
    }

    fn operate(&mut self, node: &Node, operation: Operation) {
        self.count += 1;
        let fresh = format!("{:040x}", self.count);
        let data = self.data.get(node).cloned().unwrap_or_default();
        let redis = self.redis.entry(node.clone()).or_default();
        match &operation {
            Operation::Start => {
                redis.run += 1;
                let incarnation = Incarnation::from(format!("{node}-{}", redis.run));
                let keys = redis.info.keys;
                let offset = redis.info.offset;
                redis.info = ServerInfo {
                    incarnation,
                    replid: fresh,
                    keys,
                    offset,
                    persisted: true,
                    on_disk: true,
                    stamp: redis.info.stamp,
                    files: redis.info.files.clone(),
                    ..ServerInfo::default()
                };
                (redis.alive, redis.frozen) = (true, false);
                let info = redis.info.clone();
                self.later(Event::Agent(node.clone(), AgentInput::Started(info, data)));
                return;
            }
            Operation::Kill | Operation::Stop => return self.kill_redis(node),
            _ if redis.frozen || !redis.alive => return,
            Operation::EndScript if redis.script == Some(false) => {
                redis.script = None;
                self.condition(node, Condition::Well, 0);
            }
            _ if redis.script.is_some() => return self.refuse(node, operation),
            Operation::Promote => {
                redis.info.is_master = true;
                redis.info.fenced = true;
                redis.info.replid = fresh;
                redis.info.link_up = false;
            }
            Operation::Seal => {
                redis.info.is_master = false;
                redis.info.fenced = false;
                redis.info.link_up = false;
            }
            Operation::Follow(_) => redis.info.link_up = false,
            Operation::Open => redis.info.fenced = false,
            Operation::Fence => redis.info.fenced = redis.info.is_master,
            Operation::Pause | Operation::EndScript => {}
        }
        let info = self.redis[node].info.clone();
        self.later(Event::Agent(
            node.clone(),
            AgentInput::Done(operation, Ok(info)),
        ));
    }

    /// What a busy redis-server says to everything.
    fn refuse(&mut self, node: &Node, operation: Operation) {
        let said = match operation {
            Operation::EndScript => "UNKILLABLE the script has written",
            _ => "the server is busy with a script",
        };
        self.hear(node, AgentInput::Done(operation, Err(said.to_owned())));
    }
}
