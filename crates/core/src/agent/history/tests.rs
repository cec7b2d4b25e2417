#![allow(clippy::unwrap_used)]

use super::super::{AgentInput, AgentOutput, Operation, ServerInfo, Settings, Stored};
use super::*;
use crate::decided::Decided;
use crate::mutant::Mutant;
use crate::names::{Address, Incarnation, Node, Sentinel};
use crate::record::{Member, Reign, Terms};
use crate::syncset::SyncRule;
use crate::wire::{FollowAhead, FromSentinel, Newest, Report, TakeOver};

fn member(node: &str) -> Member {
    Member {
        node: Node::from(node),
        incarnation: Incarnation::from(format!("run-of-{node}")),
        address: Address::new(node, 6379),
        server: None,
    }
}

fn by() -> Sentinel {
    Sentinel::from("sentinel-0")
}

/// redis-0 rules epoch 1.
fn first() -> Record {
    let nodes = [Node::from("redis-0"), Node::from("redis-1")].into();
    let first = Record::first(
        nodes,
        member("redis-0"),
        Terms::default(),
        &by(),
        Decided::default(),
    );
    settled(&first, "history-1", 0)
}

/// Whoever `appointed` names rules, with a history of this name that begins there.
fn settled(appointed: &Record, replid: &str, start: u64) -> Record {
    let reign = reign(appointed, replid, start);
    appointed.settled(reign, SyncRule::default(), &by(), Decided::default())
}

/// This node is elected for epoch 2, whose history begins there.
fn second(node: &str, start: u64) -> Record {
    let electing = first().electing(None, &by(), Decided::default());
    let appointed = electing.appointed(member(node), &by(), Decided::default());
    settled(&appointed, "history-2", start)
}

fn reign(record: &Record, replid: &str, start: u64) -> Reign {
    Reign {
        epoch: record.epoch,
        replid: replid.to_owned(),
        start,
        empty: false,
    }
}

/// The word that redis-2 may be followed, in place of a primary whose history of this name ends at 100.
fn word(version: u64, epoch: Epoch, replid: &str) -> AgentInput {
    let word = FollowAhead {
        version,
        epoch,
        address: member("redis-2").address,
        replid: replid.to_owned(),
        offset: 100,
    };
    AgentInput::Sentinel(by(), FromSentinel::FollowAhead(word))
}

fn info(replid: &str, offset: u64) -> ServerInfo {
    ServerInfo {
        incarnation: member("redis-1").incarnation,
        replid: replid.to_owned(),
        offset,
        ..ServerInfo::default()
    }
}

/// What a replica is: a link that stands, up to offset 100 of epoch 1.
fn replica() -> ServerInfo {
    ServerInfo {
        link_up: true,
        ..info("history-1", 100)
    }
}

/// A replica of whoever rules epoch 2.
fn linked(offset: u64) -> ServerInfo {
    ServerInfo {
        link_up: true,
        ..info("history-2", offset)
    }
}

fn master(offset: u64) -> ServerInfo {
    ServerInfo {
        is_master: true,
        fenced: true,
        ..info("history-2", offset)
    }
}

struct Told {
    agent: Agent,
    now: u64,
    asked: Vec<Operation>,
    report: Report,
}

impl Told {
    /// redis-1, whose disk remembers a promise, and which has not heard of anything yet.
    fn started() -> Self {
        let settings = Settings {
            node: Node::from("redis-1"),
            address: member("redis-1").address,
            priority: 100,
            on_disk: false,
            restart: true,
            script_limit: 10_000,
            pause_limit: crate::limits::PAUSE_WAITED,
            gated: false,
            mutant: Mutant::None,
            server: None,
        };
        let stored = Stored {
            promised: 1,
            member: true,
            ..Stored::default()
        };
        let mut told = Self {
            agent: Agent::new(settings, stored),
            now: 1_000,
            asked: Vec::new(),
            report: Report::default(),
        };
        told.step(AgentInput::Tick);
        told.step(AgentInput::Started(
            info("none", 0),
            super::super::DataAtStart::default(),
        ));
        told
    }

    /// redis-1, which follows redis-0 and has all up to offset 100.
    fn following() -> Self {
        let mut told = Self::started();
        told.newest(first().version);
        told.record(&first());
        told.done(replica());
        assert_eq!((told.report.history, told.report.offset), (1, 100));
        told
    }

    fn step(&mut self, input: AgentInput) {
        self.now += 100;
        for output in self.agent.step(self.now, input) {
            match output {
                AgentOutput::Do(operation) => self.asked.push(operation),
                AgentOutput::Broadcast(report) => self.report = *report,
                AgentOutput::Store {
                    stored,
                    durable: true,
                } => self.step(AgentInput::Stored(stored.promised)),
                _ => {}
            }
        }
    }

    /// The only voter tells that it knows of this version.
    fn newest(&mut self, version: u64) {
        let newest = Newest {
            version,
            voters: 1,
            voters_version: 1,
        };
        self.step(AgentInput::Sentinel(by(), FromSentinel::Newest(newest)));
    }

    fn record(&mut self, record: &Record) {
        let message = FromSentinel::Record(Box::new(record.clone()));
        self.step(AgentInput::Sentinel(by(), message));
    }

    /// It is appointed in an election, and promoted at offset 100.
    fn promoted(&mut self) -> Record {
        let electing = first().electing(None, &by(), Decided::default());
        self.record(&electing);
        self.done(info("history-1", 100));
        let appointed = electing.appointed(member("redis-1"), &by(), Decided::default());
        self.record(&appointed);
        assert_eq!(self.asked.last(), Some(&Operation::Promote));
        self.done(master(100));
        appointed
    }

    /// What was asked last has been done; how redis-server is then.
    fn done(&mut self, info: ServerInfo) {
        let operation = self.asked.last().cloned().unwrap();
        self.step(AgentInput::Done(operation, Ok(info)));
    }
}

#[test]
fn a_reign_that_never_came_on_record_is_no_history() {
    let mut told = Told::following();
    let appointed = told.promoted();
    // A key expires: the master writes by itself.
    told.step(AgentInput::Info(master(130)));
    assert_eq!((told.report.history, told.report.offset), (1, 100));
    told.record(&appointed.electing(None, &by(), Decided::default()));
    assert_eq!(told.asked.last(), Some(&Operation::Seal));
    told.done(info("history-2", 130));
    assert_eq!(told.report.sealed, 3);
    assert_eq!((told.report.history, told.report.offset), (1, 100));
    let noted = told.report.stored.unwrap();
    assert_eq!((noted.epoch, noted.offset), (1, 100));
}

#[test]
fn a_reign_that_is_on_record_is_its_history() {
    let mut told = Told::following();
    let appointed = told.promoted();
    let stable = settled(&appointed, "history-2", 100);
    told.record(&stable);
    told.step(AgentInput::Info(master(130)));
    assert_eq!((told.report.history, told.report.offset), (2, 130));
    told.record(&stable.electing(None, &by(), Decided::default()));
    told.done(info("history-2", 130));
    assert_eq!((told.report.history, told.report.offset), (2, 130));
}

#[test]
fn who_has_not_come_to_where_a_reign_begins_holds_data_of_the_one_before() {
    let mut told = Told::following();
    told.record(&second("redis-2", 140));
    told.done(linked(100));
    assert_eq!((told.report.history, told.report.offset), (1, 100));
    told.step(AgentInput::Info(linked(140)));
    told.step(AgentInput::Tick);
    assert_eq!((told.report.history, told.report.offset), (2, 140));
}

#[test]
fn a_promotion_that_nobody_heard_of_takes_no_data_away() {
    let mut told = Told::following();
    let electing = first().electing(None, &by(), Decided::default());
    told.record(&electing);
    told.done(info("history-1", 100));
    let appointed = electing.appointed(member("redis-1"), &by(), Decided::default());
    told.record(&appointed);
    told.step(AgentInput::Done(
        Operation::Promote,
        Err("no answer".into()),
    ));
    // It was frozen, and carried the order out when it woke up; the next election finds it sealed.
    told.record(&appointed.electing(None, &by(), Decided::default()));
    assert_eq!(told.asked.last(), Some(&Operation::Seal));
    told.done(info("history-2", 130));
    assert_eq!((told.report.sealed, told.report.history), (3, 1));
    assert_eq!(told.report.offset, 100);
}

#[test]
fn data_under_a_name_that_nobody_knows_are_what_they_were_before() {
    let mut told = Told::following();
    told.record(&first().electing(None, &by(), Decided::default()));
    // redis-0 was promoted again and ended before that was on record; this replica had begun to follow it.
    let renamed = |offset| ServerInfo {
        before: Some(("history-1".to_owned(), 120)),
        ..info("never-on-record", offset)
    };
    told.done(renamed(130));
    assert_eq!(told.report.sealed, 2);
    assert_eq!((told.report.history, told.report.offset), (1, 120));
    // Of a master nobody knows what it wrote after that.
    told.step(AgentInput::Info(ServerInfo {
        is_master: true,
        ..renamed(130)
    }));
    assert_eq!(told.report.history, 0);
}

#[test]
fn the_register_knows_better_than_a_replica_whose_data_it_takes() {
    let mut told = Told::following();
    // redis-0 was chosen again, at the same address, and this agent has not heard of it.
    told.step(AgentInput::Info(linked(130)));
    let over = second("redis-0", 100).electing(None, &by(), Decided::default());
    told.record(&over);
    told.done(info("history-2", 130));
    assert_eq!((told.report.history, told.report.offset), (2, 130));
}

#[test]
fn who_has_just_started_obeys_nothing_that_the_group_has_left_behind() {
    let mut told = Told::started();
    let stale = first().electing(None, &by(), Decided::default());
    for version in [stale.version + 1, stale.version] {
        told.record(&stale);
        assert!(told.report.asks_newest);
        assert_eq!(told.asked, [Operation::Start], "{version} is the newest");
        told.newest(version);
    }
    assert_eq!(told.asked.last(), Some(&Operation::Seal));
    told.step(AgentInput::Unlinked(by()));
    told.step(AgentInput::Tick);
    assert!(!told.report.asks_newest, "found once and for all");
}

#[test]
fn the_target_of_a_handoff_that_was_given_up_has_no_part_in_the_reign_of_another() {
    let mut told = Told::following();
    let handoff = first().electing(Some(Node::from("redis-1")), &by(), Decided::default());
    told.record(&handoff);
    let word = TakeOver {
        version: handoff.version,
        replid: "history-1".to_owned(),
        offset: 100,
    };
    told.step(AgentInput::Sentinel(by(), FromSentinel::TakeOver(word)));
    assert_eq!(told.asked.last(), Some(&Operation::Promote));
    told.done(master(100));
    assert_eq!(told.report.promoted, 2);
    // Meanwhile redis-0 was chosen again, for the same epoch.
    let given_up = handoff.resumed(None, &by(), Decided::default());
    let appointed = given_up.appointed(member("redis-0"), &by(), Decided::default());
    told.record(&settled(&appointed, "another-2", 100));
    told.step(AgentInput::Info(master(130)));
    assert_eq!(told.asked.last(), Some(&Operation::Seal));
    assert_eq!((told.report.history, told.report.offset), (1, 100));
    told.done(info("history-2", 130));
    assert!(!told.report.open);
    assert_eq!((told.report.history, told.report.offset), (1, 100));
}

/// redis-0 is the old primary, redis-1 stays a replica, redis-2 is the target and has taken over.
fn followed_ahead(told: &mut Told) -> Record {
    let handoff = first().electing(Some(Node::from("redis-2")), &by(), Decided::default());
    told.record(&handoff);
    told.step(word(handoff.version, handoff.epoch, "history-1"));
    let target = member("redis-2").address;
    assert_eq!(told.asked.last(), Some(&Operation::Follow(target)));
    let following = ServerInfo {
        link_up: true,
        ..info("history-2", 130)
    };
    told.done(following);
    handoff
}

#[test]
fn who_follows_ahead_of_the_register_has_the_history_before() {
    let mut told = Told::following();
    let handoff = followed_ahead(&mut told);
    assert_eq!((told.report.history, told.report.offset), (1, 100));
    // The target fails; somebody else is elected for the same epoch.
    told.record(&handoff.resumed(None, &by(), Decided::default()));
    assert_eq!(told.asked.last(), Some(&Operation::Seal));
    told.done(info("history-2", 130));
    assert_eq!(told.report.sealed, 2);
    assert_eq!((told.report.history, told.report.offset), (1, 100));
}

#[test]
fn who_followed_ahead_has_the_new_history_once_the_register_says_so() {
    let mut told = Told::following();
    let handoff = followed_ahead(&mut told);
    let start = reign(&handoff, "history-2", 100);
    let rule = SyncRule::default();
    let stable = handoff.handed_over(member("redis-2"), start, rule, &by(), Decided::default());
    let asked = told.asked.len();
    told.record(&stable);
    assert_eq!(told.asked.len(), asked, "it follows already");
    assert_eq!((told.report.history, told.report.offset), (2, 130));
    // With its first replica a master may draw another id, which is in no record.
    told.step(AgentInput::Info(ServerInfo {
        link_up: true,
        ..info("history-2-by-another-name", 140)
    }));
    told.step(AgentInput::Tick);
    assert_eq!((told.report.history, told.report.offset), (2, 140));
    // Also where it hears of that reign only when it is over.
    let mut told = Told::following();
    followed_ahead(&mut told);
    told.record(&stable.electing(None, &by(), Decided::default()));
    told.done(info("history-2", 150));
    assert_eq!((told.report.history, told.report.offset), (2, 150));
}

#[test]
fn who_followed_ahead_in_vain_has_the_history_of_whoever_rules_instead() {
    let mut told = Told::following();
    let handoff = followed_ahead(&mut told);
    let given_up = handoff.resumed(None, &by(), Decided::default());
    told.record(&given_up);
    told.done(info("history-2", 130));
    let appointed = given_up.appointed(member("redis-0"), &by(), Decided::default());
    told.record(&settled(&appointed, "another-2", 100));
    let again = Operation::Follow(member("redis-0").address);
    assert_eq!(told.asked.last(), Some(&again));
    told.done(ServerInfo {
        link_up: true,
        ..info("another-2-by-another-name", 150)
    });
    assert_eq!((told.report.history, told.report.offset), (2, 150));
}

#[test]
fn a_word_of_another_handoff_or_another_history_is_not_followed() {
    let handoff = first().electing(Some(Node::from("redis-2")), &by(), Decided::default());
    for (version, replid) in [(1, "history-1"), (handoff.version, "other")] {
        let mut told = Told::following();
        told.record(&handoff);
        let asked = told.asked.len();
        told.step(word(version, handoff.epoch, replid));
        assert_eq!(told.asked.len(), asked, "{version} {replid}");
    }
}
