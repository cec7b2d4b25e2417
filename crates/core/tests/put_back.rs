//! The disks of sentinels are put back to an older state.

#![allow(clippy::unwrap_used)]

mod group;

use group::{Group, node, sentinel};
use holdfast_core::names::Sentinel;
use holdfast_core::sentinel::{Persistent, Request};
use std::collections::BTreeMap;

/// These sentinels are ended and started with what their disks held then.
fn put_back(group: &mut Group, disks: &BTreeMap<Sentinel, Persistent>, which: &[usize]) {
    for number in which {
        group.stop_sentinel(&sentinel(*number));
    }
    group.run(600);
    for number in which {
        let me = sentinel(*number);
        group.start_sentinel(&me, disks[&me].clone(), "disk");
    }
}

/// A group that has elected two primaries since the disks held what is returned.
fn moved_on() -> (Group, BTreeMap<Sentinel, Persistent>) {
    let mut group = Group::started(3);
    let disks = group.registers.clone();
    for _ in 0..2 {
        let primary = group.primary().unwrap();
        group.kill_redis(&primary);
        group.run(3_000);
    }
    assert_eq!(group.epoch(), 3);
    (group, disks)
}

fn trouble(group: &Group) -> String {
    let troubles = group.sentinels.values();
    let mut told = troubles.filter_map(|s| s.group(&group::name())?.trouble());
    told.next().unwrap_or_default().to_owned()
}

#[test]
fn all_put_back_is_told_and_a_persons_word_gets_the_group_out() {
    let (mut group, disks) = moved_on();
    put_back(&mut group, &disks, &[0, 1, 2]);
    group.run(8_000);
    let told = trouble(&group);
    assert!(told.contains("put back to an older state"), "{told}");
    assert!(told.contains("promised epoch 3"), "{told}");
    group.ask(&sentinel(0), Request::Force(node(1)));
    group.run(4_000);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.answers);
    assert_eq!(group.epoch(), 4, "beyond what was promised");
    assert_eq!(trouble(&group), "");
    // And it goes on as any other group.
    group.kill_redis(&node(1));
    group.run(3_000);
    assert!(group.primary().is_some() && group.epoch() == 5);
}

#[test]
fn a_majority_put_back_learns_from_the_one_that_knows_and_goes_on() {
    for which in [[0, 1], [1, 2], [0, 2]] {
        let (mut group, disks) = moved_on();
        let version = group.record().version;
        put_back(&mut group, &disks, &which);
        group.run(3_000);
        let primary = group.primary().unwrap();
        group.kill_redis(&primary);
        group.run(4_000);
        assert_eq!(group.epoch(), 4, "{:#?}", group.decisions);
        assert!(group.primary().is_some() && group.record().version > version);
    }
}

#[test]
fn a_majority_put_back_decides_nothing_while_the_one_that_knows_is_away() {
    let (mut group, disks) = moved_on();
    group.stop_sentinel(&sentinel(2));
    put_back(&mut group, &disks, &[0, 1]);
    group.run(8_000);
    assert_eq!(group.epoch(), 1, "nothing was decided");
    assert!(trouble(&group).contains("put back"), "{}", trouble(&group));
    let disk = group.registers[&sentinel(2)].clone();
    group.start_sentinel(&sentinel(2), disk, "disk");
    group.run(4_000);
    assert!(
        group.epoch() >= 3 && group.primary().is_some(),
        "{}",
        trouble(&group)
    );
}
