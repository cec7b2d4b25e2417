//! A configuration that changes while the group runs: more and fewer nodes, more and fewer sentinels.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod group;

use group::{Group, name, node, sentinel};
use holdfast_core::agent::{DataAtStart, Stored};
use holdfast_core::names::{Node, Sentinel};
use holdfast_core::sentinel::Persistent;
use std::collections::BTreeSet;

fn members(group: &Group, at: &Sentinel) -> Vec<Sentinel> {
    group.sentinels[at]
        .voters()
        .members
        .keys()
        .cloned()
        .collect()
}

fn nodes(group: &Group) -> BTreeSet<Node> {
    let state = group.sentinels[&sentinel(0)].group(&name()).unwrap();
    state.record().unwrap().nodes.clone()
}

fn resize(group: &mut Group, sentinels: usize) {
    group.set = (0..sentinels).map(sentinel).collect();
    group.reconfigure();
}

fn add_nodes(group: &mut Group, from: usize, to: usize) {
    group.config.nodes = to;
    group.reconfigure();
    for number in from..to {
        let blank = DataAtStart {
            blank: true,
            ..DataAtStart::default()
        };
        group.data.insert(node(number), blank);
        group.start_agent(&node(number), Stored::default());
    }
}

#[test]
fn three_sentinels_become_five_and_three_again_without_a_break() {
    let mut group = Group::started(3);
    resize(&mut group, 5);
    for number in 3..5 {
        group.start_sentinel(&sentinel(number), Persistent::default(), "disk");
    }
    group.run(4_000);
    for at in (0..5).map(sentinel) {
        assert_eq!(members(&group, &at).len(), 5, "{:#?}", group.decisions);
    }
    for number in 3..5 {
        group.stop_sentinel(&sentinel(number));
    }
    resize(&mut group, 3);
    group.run(4_000);
    for at in (0..3).map(sentinel) {
        assert_eq!(
            members(&group, &at),
            (0..3).map(sentinel).collect::<Vec<_>>()
        );
    }
    assert_eq!(
        group.epoch(),
        1,
        "nobody had to be elected: {:#?}",
        group.decisions
    );
    assert_eq!(group.primary(), Some(node(0)));
}

#[test]
fn a_sentinel_that_is_let_go_while_it_runs_is_not_taken_in_again() {
    let mut group = Group::started(3);
    resize(&mut group, 5);
    for number in 3..5 {
        group.start_sentinel(&sentinel(number), Persistent::default(), "disk");
    }
    group.run(4_000);
    resize(&mut group, 3);
    group.run(10_000);
    for at in (0..5).map(sentinel) {
        assert_eq!(members(&group, &at).len(), 3);
    }
    assert!(!group.sentinels[&sentinel(4)].votes());
    assert_eq!(group.primary(), Some(node(0)));
    group.kill_redis(&node(0));
    group.run(2);
    group.until_served(200);
}

#[test]
fn nodes_that_were_taken_away_are_forgotten_and_others_are_not() {
    let mut group = Group::started(3);
    add_nodes(&mut group, 3, 5);
    group.run(3_000);
    assert_eq!(nodes(&group).len(), 5, "{:#?}", group.decisions);
    // One of those that stay is away for longer than those that go.
    group.kill_agent(&node(1));
    group.run(5_000);
    for number in 3..5 {
        group.kill_agent(&node(number));
    }
    group.config.nodes = 3;
    group.reconfigure();
    group.run(15_000);
    assert_eq!(nodes(&group).len(), 5, "one may only be restarted");
    group.run(6_000);
    assert_eq!(nodes(&group), (0..3).map(node).collect());
    let shown = group.sentinels[&sentinel(2)].group(&name()).unwrap();
    assert!(
        !shown.nodes().contains_key(&node(4)),
        "nobody shows it any more"
    );
}

#[test]
fn names_that_are_no_numbers_from_zero_on_are_never_forgotten() {
    let mut group = Group::started(3);
    add_nodes(&mut group, 6379, 6380);
    group.config.nodes = 4;
    group.reconfigure();
    group.run(3_000);
    assert_eq!(nodes(&group).len(), 4);
    group.kill_agent(&node(6379));
    group.run(30_000);
    assert_eq!(nodes(&group).len(), 4, "{:#?}", group.decisions);
}
