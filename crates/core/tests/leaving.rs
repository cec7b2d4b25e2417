//! Agents that are asked to stop: how long a primary waits for somebody to hand over to.
#![allow(clippy::unwrap_used)]

mod group;

use group::{Group, node, sentinel};
use std::collections::BTreeMap;

/// Longest time that these stops may take.
const WITHIN: u64 = 20_000;

/// Milliseconds from now on until a node has ended.
fn until_ended(group: &mut Group, number: usize) -> u64 {
    let began = group.now;
    while !group.ended.contains_key(&node(number)) {
        assert!(group.now < began + 2 * WITHIN, "{:#?}", group.decisions);
        group.run(10);
    }
    group.ended[&node(number)] - began
}

fn stop_sentinels(group: &mut Group) {
    (0..3).for_each(|number| group.stop_sentinel(&sentinel(number)));
}

fn reasons(group: &Group) -> Vec<&str> {
    let said = group.decisions.iter().map(|(_, said)| said);
    said.filter(|said| said.is("NotHandedOver"))
        .map(|said| said.text.as_str())
        .collect()
}

#[test]
fn a_primary_hands_over_and_then_stops_without_waiting_further() {
    let mut group = Group::started(3);
    group.stop_agent(&node(0), WITHIN);
    assert!(until_ended(&mut group, 0) < 200, "{:#?}", group.decisions);
    assert_ne!(group.primary(), Some(node(0)));
    assert_eq!(reasons(&group), Vec::<&str>::new());
}

#[test]
fn when_all_leave_at_once_the_primary_stops_soon_and_says_why() {
    let mut group = Group::started(3);
    for number in 0..3 {
        group.stop_agent(&node(number), WITHIN);
    }
    stop_sentinels(&mut group);
    group.run(100);
    for number in 1..3 {
        group.kill_agent(&node(number));
    }
    let took = until_ended(&mut group, 0);
    assert!((1_900..2_500).contains(&took), "{took} ms");
    let reason = "redis-0 stops without a handoff: there was neither a connected replica nor a sentinel in reach for 2000 ms";
    assert_eq!(reasons(&group), [reason]);
}

#[test]
fn a_connected_replica_is_waited_for_though_no_sentinel_is_there() {
    let mut group = Group::started(3);
    group.stop_agent(&node(0), WITHIN);
    stop_sentinels(&mut group);
    let took = until_ended(&mut group, 0);
    assert!((WITHIN - 100..WITHIN + 500).contains(&took), "{took} ms");
    let reason = "redis-0 stops without a handoff: nobody took over in the time that it was given";
    assert_eq!(reasons(&group), [reason]);
}

#[test]
fn sentinels_are_waited_for_though_no_replica_is_there_and_one_that_returns_takes_over() {
    let mut group = Group::started(3);
    for number in 1..3 {
        group.kill_agent(&node(number));
    }
    group.run(500);
    group.stop_agent(&node(0), WITHIN);
    group.run(WITHIN / 2);
    assert_eq!(group.ended, BTreeMap::new(), "{:#?}", group.decisions);
    group.come_back(&node(1), Some(10));
    let took = until_ended(&mut group, 0);
    assert!(took < 3_000, "{took} ms");
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
}

#[test]
fn loneliness_that_ends_in_between_does_not_count() {
    let mut group = Group::started(2);
    stop_sentinels(&mut group);
    group.run(50);
    group.kill_agent(&node(1));
    group.stop_agent(&node(0), WITHIN);
    group.run(1_800);
    let stored = holdfast_core::sentinel::Persistent::default();
    group.start_sentinel(&sentinel(0), stored, "disk");
    group.run(1_000);
    group.stop_sentinel(&sentinel(0));
    group.run(1_500);
    assert_eq!(group.ended, BTreeMap::new(), "{:#?}", group.decisions);
    assert!(until_ended(&mut group, 0) < 1_000);
}

#[test]
fn who_is_alone_in_its_group_does_not_wait_for_others() {
    let mut group = Group::started(1);
    group.stop_agent(&node(0), WITHIN);
    let took = until_ended(&mut group, 0);
    assert!((1_900..2_500).contains(&took), "{took} ms");
    assert!(reasons(&group)[0].ends_with("no other node in the group for 2000 ms"));
}
