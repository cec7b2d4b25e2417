//! Alive is not well: scripts without an end, and clients that pause.
#![allow(clippy::unwrap_used)]

mod group;

use group::{Group, SCRIPT_LIMIT, name, node, sentinel};
use holdfast_core::limits::PAUSE_WAITED;
use holdfast_core::sentinel::Request;
use holdfast_core::status::NodeStatus;
use holdfast_core::wire::Condition;

/// Time that a failover takes here, at most.
const FAILOVER: u64 = 500;

fn shown(group: &Group, number: usize) -> NodeStatus {
    let status = group.sentinels[&sentinel(0)].status(group.now, &name());
    let nodes = status.unwrap().nodes;
    nodes
        .into_iter()
        .find(|shown| shown.name == node(number).as_str())
        .unwrap()
}

fn said(group: &Group, code: &str) -> bool {
    group.decisions.iter().any(|(_, said)| said.is(code))
}

/// Whether a decision of this code was made for this reason.
fn said_why(group: &Group, code: &str, why: &str) -> bool {
    let mut decisions = group.decisions.iter();
    decisions.any(|(_, said)| said.is(code) && said.text.contains(why))
}

#[test]
fn a_script_without_an_end_is_ended_at_its_limit() {
    let mut group = Group::started(3);
    group.run_script(&node(0), false);
    group.run(SCRIPT_LIMIT - 5_000 - 100);
    assert_eq!(group.redis[&node(0)].script, Some(false), "it has its time");
    assert_eq!(shown(&group, 0).state, "busy");
    group.run(200);
    assert_eq!(group.redis[&node(0)].script, None, "{:#?}", group.decisions);
    assert!(said(&group, "ScriptEnded"));
    assert_eq!((group.primary(), group.epoch()), (Some(node(0)), 1));
    assert_eq!(shown(&group, 0).state, "up");
}

#[test]
fn a_primary_whose_script_has_written_is_replaced_at_the_limit() {
    let mut group = Group::started(3);
    group.run_script(&node(0), true);
    group.run(SCRIPT_LIMIT - 5_000 + FAILOVER);
    assert!(group.primary().is_some_and(|primary| primary != node(0)));
    let why = "hangs (a script that has written runs for 10";
    assert!(said_why(&group, "Deposed", why), "{:#?}", group.decisions);
    group.run(1_000);
    assert_eq!(shown(&group, 0).state, "up", "it is back, as a replica");
}

#[test]
fn where_nobody_can_take_over_the_only_data_are_not_ended() {
    let mut group = Group::started(3);
    group.kill_agent(&node(1));
    group.kill_agent(&node(2));
    group.run(500);
    group.run_script(&node(0), true);
    group.run(3 * SCRIPT_LIMIT);
    assert!(group.redis[&node(0)].alive, "{:#?}", group.decisions);
    let status = group.sentinels[&sentinel(0)].status(group.now, &name());
    let trouble = status.unwrap().trouble.unwrap();
    let ends = "and no replica is fit to take over";
    assert!(
        trouble.contains("a script that has written")
            && trouble.contains("gives up what only its memory holds")
            && trouble.ends_with(ends),
        "{trouble}"
    );
}

#[test]
fn where_nobody_can_take_over_data_that_are_in_the_files_are_started_again() {
    let mut group = Group::started(3);
    group.kill_agent(&node(1));
    group.kill_agent(&node(2));
    group.redis.get_mut(&node(0)).unwrap().info.logged = true;
    group.run(500);
    let run = group.redis[&node(0)].run;
    group.run_script(&node(0), true);
    group.run(SCRIPT_LIMIT - 5_000 + 2_000 - 100);
    assert_eq!(group.redis[&node(0)].run, run, "{:#?}", group.decisions);
    group.run(FAILOVER);
    assert_eq!(group.redis[&node(0)].run, run + 1, "{:#?}", group.decisions);
    let why = "its append-only file holds all that it answered";
    assert!(said_why(&group, "ServerKilled", why));
}

#[test]
fn a_replica_that_runs_a_script_is_ended_too_and_stops_nobody() {
    let mut group = Group::started(3);
    let run = group.redis[&node(1)].run;
    group.run_script(&node(1), true);
    group.run(SCRIPT_LIMIT - 5_000 + FAILOVER);
    assert_eq!((group.primary(), group.epoch()), (Some(node(0)), 1));
    assert_eq!(group.redis[&node(1)].run, run + 1, "{:#?}", group.decisions);
    assert!(said_why(
        &group,
        "ServerKilled",
        "a script that has written"
    ));
}

#[test]
fn a_second_script_has_its_own_time() {
    let mut group = Group::started(3);
    group.run_script(&node(0), false);
    group.run(SCRIPT_LIMIT - 5_000 + 100);
    group.redis.get_mut(&node(0)).unwrap().script = Some(false);
    group.condition(&node(0), Condition::Busy, 0);
    group.run(SCRIPT_LIMIT - 200);
    assert_eq!(group.redis[&node(0)].script, Some(false), "it has its time");
    group.run(400);
    assert_eq!(group.redis[&node(0)].script, None, "{:#?}", group.decisions);
}

#[test]
fn a_pause_is_waited_out_and_named_and_not_for_ever() {
    let mut group = Group::started(3);
    group.condition(&node(0), Condition::Paused, 300);
    group.run(PAUSE_WAITED - 500);
    assert_eq!((group.primary(), group.epoch()), (Some(node(0)), 1));
    let node_0 = shown(&group, 0);
    assert_eq!(node_0.state, "paused");
    assert!(node_0.reason.unwrap().contains("CLIENT PAUSE"));
    group.run(500 + FAILOVER);
    assert!(group.primary().is_some_and(|primary| primary != node(0)));
    let why = "hangs (a client's CLIENT PAUSE has kept it silent for 60";
    assert!(said_why(&group, "Deposed", why), "{:#?}", group.decisions);
}

#[test]
fn a_script_that_shows_behind_a_pause_has_its_own_time() {
    let mut group = Group::started(3);
    group.kill_agent(&node(1));
    group.kill_agent(&node(2));
    group.condition(&node(0), Condition::Paused, 300);
    group.run(PAUSE_WAITED);
    assert_eq!(shown(&group, 0).state, "hung", "{:#?}", group.decisions);
    group.redis.get_mut(&node(0)).unwrap().script = Some(false);
    group.condition(&node(0), Condition::Busy, 0);
    group.run(SCRIPT_LIMIT + 200);
    assert_eq!(group.redis[&node(0)].script, None, "{:#?}", group.decisions);
    assert_eq!(shown(&group, 0).state, "up");
}

#[test]
fn a_pause_that_ends_leaves_everything_as_it_was() {
    let mut group = Group::started(3);
    group.condition(&node(0), Condition::Paused, 300);
    group.run(PAUSE_WAITED / 2);
    group.condition(&node(0), Condition::Well, 0);
    group.run(PAUSE_WAITED);
    assert_eq!((group.primary(), group.epoch()), (Some(node(0)), 1));
    assert_eq!(shown(&group, 0).state, "up");
}

#[test]
fn a_handoff_is_refused_with_the_reason_while_a_script_runs() {
    let mut group = Group::started(3);
    group.run_script(&node(0), false);
    group.run(100);
    group.ask(&sentinel(0), Request::Handoff(None));
    group.run(2_500);
    let (_, answer) = group.answers.last().unwrap();
    let why = answer.as_ref().unwrap_err();
    assert!(why.contains("redis-0: it runs a script"), "{why}");
    assert_eq!(group.epoch(), 1);
}

#[test]
fn a_busy_replica_takes_nothing_over() {
    let mut group = Group::started(3);
    group.run_script(&node(1), false);
    group.run(100);
    group.ask(&sentinel(0), Request::Handoff(Some(node(1))));
    group.run(2_500);
    assert!(group.answers.last().unwrap().1.is_err());
    group.kill_redis(&node(0));
    group.run(FAILOVER);
    assert_eq!(group.primary(), Some(node(2)), "{:#?}", group.decisions);
}
