#![allow(clippy::unwrap_used)]

use super::super::{AgentInput, DataAtStart, Operation, ServerInfo, Settings, Stored};
use super::*;
use crate::decided::Decided;
use crate::mutant::Mutant;
use crate::names::{Address, Incarnation, Node, Sentinel};
use crate::record::{Member, Reign, Terms};
use crate::server_version::ServerVersion;
use crate::syncset::SyncRule;
use crate::wire::{FromSentinel, Newest, Report};
use std::collections::BTreeSet;

fn version(text: &str) -> ServerVersion {
    ServerVersion::from(text.to_owned())
}

/// redis-0 rules, and runs this server.
fn reign(server: &str) -> Record {
    let primary = Member {
        node: Node::from("redis-0"),
        incarnation: Incarnation::from("run-0"),
        address: Address::new("redis-0", 6379),
        server: Some(version(server)),
    };
    let by = Sentinel::from("sentinel-0");
    let first = Record::first(
        BTreeSet::new(),
        primary,
        Terms::default(),
        &by,
        Decided::default(),
    );
    let reign = Reign {
        epoch: first.epoch,
        replid: "history-1".to_owned(),
        start: 0,
        empty: false,
    };
    first.settled(reign, SyncRule::default(), &by, Decided::default())
}

/// redis-1 beside it.
struct Replica {
    agent: Agent,
    now: u64,
    asked: Vec<Operation>,
    decided: Vec<String>,
    report: Report,
}

impl Replica {
    fn started(server: &str, replid: &str, primary: &str) -> Self {
        let settings = Settings {
            node: Node::from("redis-1"),
            address: Address::new("redis-1", 6379),
            priority: 100,
            on_disk: false,
            restart: true,
            script_limit: 10_000,
            pause_limit: crate::limits::PAUSE_WAITED,
            gated: false,
            server: Some(version(server)),
            mutant: Mutant::None,
        };
        let stored = Stored {
            promised: 1,
            member: true,
            ..Stored::default()
        };
        let mut replica = Self {
            agent: Agent::new(settings, stored),
            now: 1_000,
            asked: Vec::new(),
            decided: Vec::new(),
            report: Report::default(),
        };
        replica.step(AgentInput::Tick);
        let info = Self::info(replid, false, false);
        replica.step(AgentInput::Started(info, DataAtStart::default()));
        let record = reign(primary);
        let newest = FromSentinel::Newest(Newest {
            version: record.version,
            voters: 1,
            voters_version: 1,
        });
        let by = Sentinel::from("sentinel-0");
        replica.step(AgentInput::Sentinel(by.clone(), newest));
        replica.asked.clear();
        let record = FromSentinel::Record(Box::new(record));
        replica.step(AgentInput::Sentinel(by, record));
        replica
    }

    fn info(replid: &str, syncing: bool, link_up: bool) -> ServerInfo {
        ServerInfo {
            incarnation: Incarnation::from("run-1"),
            replid: replid.to_owned(),
            syncing,
            link_up,
            keys: 3,
            ..ServerInfo::default()
        }
    }

    fn step(&mut self, input: AgentInput) {
        self.now += 20;
        for output in self.agent.step(self.now, input) {
            match output {
                AgentOutput::Do(operation) => {
                    self.asked.push(operation.clone());
                    if !matches!(operation, Operation::Start) {
                        let info = Self::info("none", false, false);
                        self.step(AgentInput::Done(operation, Ok(info)));
                    }
                }
                AgentOutput::Broadcast(report) => self.report = *report,
                AgentOutput::Decide(decision) => {
                    let text = decision.of(&Node::from("redis-1")).to_string();
                    self.decided.push(text);
                }
                AgentOutput::Store {
                    stored,
                    durable: true,
                } => self.step(AgentInput::Stored(stored.promised)),
                _ => {}
            }
        }
    }

    fn looks(&mut self, syncing: bool, link_up: bool) {
        if !syncing && !link_up {
            let cause = "Can't handle RDB format version 13".to_owned();
            self.step(AgentInput::CopyFailed(cause));
        }
        self.step(AgentInput::Info(Self::info("none", syncing, link_up)));
    }

    fn waits(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.step(AgentInput::Tick);
        }
    }

    fn follows(&self) -> usize {
        let follow = |o: &&Operation| matches!(o, Operation::Follow(_));
        self.asked.iter().filter(follow).count()
    }
}

#[test]
fn a_copy_that_cannot_be_read_is_never_begun() {
    let mut replica = Replica::started("redis 7.0.15", "own", "redis 8.6.2");
    replica.waits(120_000);
    assert_eq!(replica.follows(), 0, "{:?}", replica.asked);
    assert!(replica.report.stuck);
    let why =
        "cannot read a copy of redis 8.6.2 (redis-0), since its own redis-server is redis 7.0.15";
    assert!(
        replica.report.reason.starts_with(why),
        "{}",
        replica.report.reason
    );
    assert_eq!(
        replica
            .decided
            .iter()
            .filter(|text| text.contains(why))
            .count(),
        1
    );
}

#[test]
fn what_is_missing_may_still_come_without_a_copy() {
    let mut replica = Replica::started("redis 7.0.15", "history-1", "redis 8.6.2");
    assert_eq!(replica.follows(), 1, "{:?}", replica.asked);
    replica.looks(true, false);
    assert_eq!(
        replica.asked.last(),
        Some(&Operation::Seal),
        "a copy after all"
    );
    replica.waits(120_000);
    assert_eq!(replica.follows(), 1, "never again");
    assert!(replica.report.stuck);
}

#[test]
fn a_copy_that_fails_between_two_looks_is_noticed() {
    let mut replica = Replica::started("redis 7.0.15", "history-1", "redis 8.6.2");
    replica.looks(false, false);
    assert_eq!(replica.asked.last(), Some(&Operation::Seal));
    replica.waits(120_000);
    assert_eq!(replica.follows(), 1, "never again");
    assert!(replica.report.stuck);
}

#[test]
fn nothing_is_held_back_for_servers_that_are_not_known_or_fit() {
    for (own, primary) in [
        ("redis 7.0.15", "redis 99.0.0"),
        ("redis 99.0.0", "redis 8.6.2"),
        ("redis 8.6.2", "redis 7.0.15"),
        ("redis 7.0.15", "redis 7.0.15"),
    ] {
        let replica = Replica::started(own, "own", primary);
        assert_eq!(replica.follows(), 1, "{own}, {primary}");
        assert!(!replica.report.stuck);
    }
}

#[test]
fn copies_that_fail_come_after_growing_pauses() {
    fail_for_two_minutes(true);
}

#[test]
fn so_do_copies_that_fail_between_two_looks() {
    fail_for_two_minutes(false);
}

#[test]
fn one_that_failed_is_counted_once_however_often_it_is_looked_at() {
    let mut replica = Replica::started("redis 99.0.0", "own", "redis 99.1.0");
    replica.looks(true, false);
    replica.looks(false, false);
    assert_eq!(replica.agent.copies.failed, 1);
    replica.step(AgentInput::Info(Replica::info("none", false, false)));
    assert_eq!(replica.agent.copies.failed, 1);
}

#[test]
fn one_that_breaks_off_is_counted_though_the_next_is_under_way_already() {
    let mut replica = Replica::started("redis 99.0.0", "own", "redis 99.1.0");
    replica.looks(true, false);
    let asked = replica.asked.len();
    let broke = "I/O error trying to sync with MASTER: connection lost".to_owned();
    replica.step(AgentInput::CopyFailed(broke.clone()));
    assert_eq!(replica.agent.copies.failed, 1);
    assert_eq!(replica.asked.get(asked), Some(&Operation::Seal), "a pause");
    assert!(
        replica.report.reason.contains(&broke),
        "{}",
        replica.report.reason
    );
}
fn fail_for_two_minutes(seen: bool) {
    let mut replica = Replica::started("redis 99.0.0", "own", "redis 99.1.0");
    for _ in 0..600 {
        if matches!(replica.asked.last(), Some(Operation::Follow(_))) {
            if seen {
                replica.looks(true, false);
            }
            replica.looks(false, false);
        }
        replica.waits(200);
    }
    // 1, 2, 4, 8, 16 and 32 s, and then a minute each.
    assert!((6..9).contains(&replica.follows()), "{}", replica.follows());
    assert!(replica.report.stuck);
    let cause = "failed (Can't handle RDB format version 13)";
    assert!(
        replica.report.reason.contains(cause),
        "{}",
        replica.report.reason
    );
    assert_eq!(
        replica
            .decided
            .iter()
            .filter(|text| text.contains(cause))
            .count(),
        1
    );
    while !matches!(replica.asked.last(), Some(Operation::Follow(_))) {
        replica.waits(1_000);
    }
    replica.looks(true, false);
    replica.looks(false, true);
    replica.waits(1_000);
    assert!(!replica.report.stuck && replica.report.reason.is_empty());
}
