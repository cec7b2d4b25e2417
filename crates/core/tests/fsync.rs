//! A group in `fsync` durability: restarted nodes are heard by what is on their disks.
#![allow(clippy::unwrap_used)]

mod group;

use group::{Group, node};
use holdfast_core::agent::DataAtStart;
use holdfast_core::dataset::{FileMark, Files, Noted};
use holdfast_core::names::Node;
use holdfast_core::position::Position;
use holdfast_core::record::{Durability, OnLossOfQuorum, Phase, Terms};
use holdfast_core::stamp::Stamp;

fn terms(durability: Durability) -> Terms {
    Terms {
        durability,
        sync_replicas: 1,
        on_loss_of_quorum: OnLossOfQuorum::Hold,
    }
}

fn started(nodes: usize) -> Group {
    let mut group = Group::cold_with(nodes, terms(Durability::Fsync));
    group.run(3_000);
    assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
    let record = group.record();
    assert!(record.is_on_disk() && record.sync.members.len() == nodes - 1);
    assert!(group.rule().unwrap().on_disk);
    group
}

const fn stamp(number: u64) -> Stamp {
    Stamp { epoch: 1, number }
}

fn power_on(group: &mut Group, nodes: &[(usize, Option<Stamp>)]) {
    for (number, stamp) in nodes {
        group.power_on(&node(*number), *stamp);
    }
}

/// A group after a loss of power, of which only these nodes are back, with what their disks say.
fn back(nodes: &[(usize, Option<Stamp>)]) -> Group {
    let mut group = started(3);
    group.power_off();
    power_on(&mut group, nodes);
    group
}

#[test]
fn after_a_loss_of_power_the_highest_stamp_rules_at_once() {
    let mut group = back(&[(1, Some(stamp(40))), (2, Some(stamp(41)))]);
    group.run(6_000);
    assert_eq!(group.primary(), Some(node(2)), "{:#?}", group.decisions);
}

#[test]
fn the_disk_of_the_old_primary_alone_is_enough() {
    let mut group = back(&[(0, Some(stamp(41)))]);
    group.run(1_000);
    let record = group.record();
    let ruler = record.primary.clone().unwrap();
    assert_eq!(
        (record.phase, ruler.node),
        (Phase::Stable, node(0)),
        "{:#?}",
        group.decisions
    );
    // It flushed its data after the last stamp: it has everything all the same.
    let mut group = back(&[(0, None), (1, Some(stamp(41)))]);
    group.run(1_000);
    assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
}

#[test]
fn too_few_disks_are_waited_for() {
    let mut group = back(&[(1, Some(stamp(41)))]);
    group.run(15_000);
    assert_eq!(group.primary(), None, "{:#?}", group.decisions);
    power_on(&mut group, &[(2, Some(stamp(42)))]);
    group.run(8_000);
    assert_eq!(group.primary(), Some(node(2)), "{:#?}", group.decisions);
}

#[test]
fn a_disk_without_a_stamp_is_not_heard() {
    let mut group = back(&[(1, None), (2, Some(stamp(41)))]);
    group.run(9_000);
    assert_eq!(group.primary(), None, "{:#?}", group.decisions);
}

#[test]
fn a_disk_that_is_back_at_another_address_is_not_heard_for_its_former_run() {
    // Somebody else may have acknowledged from the address that the rule names.
    let mut group = back(&[(2, Some(stamp(41)))]);
    group.power_on(&node(1), Some(stamp(40)));
    group.move_to(&node(1), "elsewhere");
    group.run(9_000);
    assert_eq!(group.primary(), None, "{:#?}", group.decisions);
    power_on(&mut group, &[(0, Some(stamp(41)))]);
    group.run(3_000);
    assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
}

#[test]
fn a_new_volume_has_no_vote() {
    let mut group = back(&[(2, Some(stamp(41)))]);
    let blank = DataAtStart {
        blank: true,
        unfinished: true,
        ..DataAtStart::default()
    };
    group.data.insert(node(1), blank);
    group.start_agent(&node(1), holdfast_core::agent::Stored::default());
    group.run(9_000);
    assert_eq!(group.primary(), None, "{:#?}", group.decisions);
}

#[test]
fn a_copy_that_was_not_written_out_has_no_vote() {
    let mut group = back(&[(2, Some(stamp(41)))]);
    group.power_on(&node(1), Some(stamp(7)));
    let unfinished = DataAtStart {
        unfinished: true,
        ..DataAtStart::default()
    };
    group.data.insert(node(1), unfinished);
    group.run(9_000);
    assert_eq!(group.primary(), None, "{:#?}", group.decisions);
}

/// One append-only file of this length.
fn log(bytes: u64) -> Files {
    let mark = FileMark {
        name: "appendonly.aof.1.incr.aof".to_owned(),
        seq: 1,
        bytes,
        head: 1,
        tail: bytes,
    };
    Files {
        log: vec![mark],
        ..Files::default()
    }
}

/// The old primary and a replica are back; the file of the first was noted at 500 bytes, and has this many. `settled`: at how
/// many it was noted once a loss of power could take nothing of it.
fn back_with_a_file_of(bytes: u64, settled: Option<u64>) -> Group {
    let mut group = started(3);
    group.power_off();
    power_on(&mut group, &[(1, Some(stamp(40)))]);
    let noted = |bytes| Noted {
        files: log(bytes),
        position: Some(Position {
            epoch: 1,
            offset: bytes,
        }),
        ..Noted::default()
    };
    let mut stored = group.disks[&node(0)].clone();
    stored.noted = settled.map(noted);
    stored.latest = Some(Box::new(noted(500)));
    let found = DataAtStart {
        files: log(bytes),
        latest_tail: (bytes >= 500).then_some(500),
        noted_tail: settled.filter(|noted| bytes >= *noted),
        ..DataAtStart::default()
    };
    group.disks.insert(node(0), stored);
    group.power_on_with(&node(0), Some(stamp(41)), found);
    group.run(9_000);
    group
}

#[test]
fn a_disk_whose_file_was_cut_has_no_vote() {
    let group = back_with_a_file_of(500, None);
    assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
    let group = back_with_a_file_of(400, Some(300));
    assert_eq!(group.primary(), None, "{:#?}", group.decisions);
}

#[test]
fn a_disk_whose_file_was_cut_is_chosen_where_it_reaches_furthest_of_enough_disks() {
    let mut group = back_with_a_file_of(400, Some(300));
    power_on(&mut group, &[(2, Some(stamp(39)))]);
    group.run(3_000);
    assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
    // Of this one nothing tells that the data are the group's.
    let mut group = back_with_a_file_of(400, None);
    power_on(&mut group, &[(2, Some(stamp(39)))]);
    group.run(3_000);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
}

#[test]
fn power_that_fails_again_and_again_changes_nothing() {
    let mut group = started(3);
    for round in 1..5 {
        group.power_off();
        let all: Vec<_> = (0..3).map(|n| (n, Some(stamp(40 + n as u64)))).collect();
        power_on(&mut group, &all[..if round % 2 == 0 { 3 } else { 2 }]);
        group.run(700 * round);
    }
    power_on(&mut group, &[(2, Some(stamp(42)))]);
    group.run(5_000);
    assert!(group.primary().is_some(), "{:#?}", group.decisions);
    assert!(group.record().is_on_disk());
}

#[test]
fn a_member_is_one_whose_disk_has_what_it_acknowledges() {
    let mut group = started(3);
    let behind = node(2);
    group.redis.get_mut(&behind).unwrap().info.on_disk = false;
    group.redis.get_mut(&behind).unwrap().info.loading = true;
    group.run(400);
    group.redis.get_mut(&behind).unwrap().info.loading = false;
    group.run(2_000);
    let named = |group: &Group, node: &Node| group.record().sync.members.contains_key(node);
    assert!(!named(&group, &behind), "{:#?}", group.decisions);
    group.redis.get_mut(&behind).unwrap().info.on_disk = true;
    group.run(6_000);
    assert!(named(&group, &behind), "{:#?}", group.decisions);
}

#[test]
fn memory_becomes_disks_while_the_group_serves() {
    let mut group = started(3);
    group.config.terms = terms(Durability::Quorum);
    group.reconfigure();
    group.run(1_000);
    assert!(!group.record().sync.on_disk && group.record().former.is_empty());
    group.config.terms = terms(Durability::Fsync);
    group.reconfigure();
    group.run(1_000);
    assert!(group.record().is_on_disk(), "{:#?}", group.decisions);
    assert_eq!(group.primary(), Some(node(0)));
}
