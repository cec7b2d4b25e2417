#![allow(clippy::unwrap_used)]

use super::*;
use crate::decided::Decided;
use crate::names::{Address, Incarnation, Sentinel};
use crate::position::Position;
use crate::record::{Member, Reign, Terms};
use crate::sentinel::{Persistent, SentinelSettings};
use std::collections::BTreeSet;

fn sentinel() -> SentinelCore {
    let name = Sentinel::from("sentinel-0");
    let settings = SentinelSettings {
        identity: "disk".to_owned(),
        run: 1,
        set: [name.clone()].into(),
        groups: Vec::new(),
        mutant: Mutant::None,
        name,
    };
    SentinelCore::new(settings, Persistent::default())
}

/// redis-0 ruled epoch 1, and rules epoch 2 from offset 100 on.
fn record() -> Record {
    let primary = Member {
        node: Node::from("redis-0"),
        incarnation: Incarnation::from("run"),
        address: Address::new("redis-0", 6379),
        server: None,
    };
    let by = Sentinel::from("sentinel-0");
    let mut record = Record::first(
        BTreeSet::new(),
        primary,
        Terms::default(),
        &by,
        Decided::default(),
    );
    let reign = |epoch, start| Reign {
        epoch,
        replid: format!("history-{epoch}"),
        start,
        empty: false,
    };
    record.history = vec![reign(1, 0), reign(2, 100)];
    record
}

/// What an agent of a version that does not place positions says of a replica of epoch 2.
fn report(offset: u64) -> Report {
    Report {
        address: Some(Address::new("redis-1", 6379)),
        incarnation: Some(Incarnation::from("another")),
        priority: 100,
        state: ServerState::Up,
        caught_up: true,
        history: 2,
        offset,
        stored: Some(Position { epoch: 2, offset }),
        ..Report::default()
    }
}

#[test]
fn who_has_not_come_to_where_a_reign_begins_is_judged_by_the_one_before() {
    let (sentinel, record, node) = (sentinel(), record(), Node::from("redis-1"));
    let alive = |offset| {
        let candidate = sentinel.candidate(&record, &node, &report(offset));
        candidate.unwrap().position.epoch
    };
    let by_disk = |offset| {
        let candidate = sentinel.cold_candidate(&record, &node, &report(offset));
        candidate.unwrap().position.epoch
    };
    assert_eq!([alive(99), alive(100)], [1, 2]);
    assert_eq!([by_disk(99), by_disk(100)], [1, 2]);
}

#[test]
fn who_ruled_and_lost_the_end_of_its_data_has_no_precedence() {
    let (sentinel, mut record, node) = (sentinel(), record(), Node::from("redis-1"));
    if let Some(primary) = &mut record.primary {
        primary.node = node.clone();
    }
    let ruled = |shorter| {
        let report = Report {
            shorter,
            ..report(100)
        };
        let candidate = sentinel.cold_candidate(&record, &node, &report);
        candidate.unwrap().ruled
    };
    assert_eq!([ruled(false), ruled(true)], [true, false]);
}

#[test]
fn a_node_without_a_key_does_not_win_against_keys_that_are_in_doubt() {
    let candidate = sentinel().cold_candidate(&record(), &Node::from("redis-1"), &report(100));
    let left = |any| without_empty(vec![(candidate.clone().unwrap(), 0)], any).len();
    assert_eq!([left(false), left(true)], [1, 0]);
}

#[test]
fn a_record_knows_better_than_a_node_whose_history_it_has() {
    let told = |history, replid: &str| {
        let report = Report {
            history,
            replid: replid.to_owned(),
            ..report(150)
        };
        let position = crate::sentinel::choice::position_of(Some(&record()), &report);
        position.map(|position| position.epoch)
    };
    assert_eq!([told(1, "history-2"), told(0, "history-2")], [Some(2); 2]);
    assert_eq!([told(3, "history-2"), told(1, "other")], [Some(3), Some(1)]);
    assert_eq!(told(0, "other"), None);
}
