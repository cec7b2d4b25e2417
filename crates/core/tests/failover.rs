//! What a group does when something breaks. Each lesson that stock Sentinel taught its users is a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod group;

use group::{Group, name, node, sentinel};
use holdfast_core::agent::{DataAtStart, Standing};
use holdfast_core::decided::Decided;
use holdfast_core::limits::{LEASE_GRANTED, REPORT_PRIMARY};
use holdfast_core::names::{Node, Sentinel};
use holdfast_core::sentinel::{Happening, Persistent, Request, SentinelCore};
use std::collections::BTreeSet;

fn switches(group: &Group) -> Vec<u64> {
    let switched = |h: &Happening| matches!(h, Happening::Switched { from: Some(_), .. });
    group
        .events
        .iter()
        .filter(|(_, _, h)| switched(h))
        .map(|(at, _, _)| *at)
        .collect()
}

#[test]
fn a_crash_is_over_in_milliseconds() {
    let mut group = Group::started(4);
    group.kill_redis(&node(0));
    group.run(2);
    assert!(group.until_served(100) < 40);
    assert_eq!(group.epoch(), 2);
}

#[test]
fn a_new_primary_is_not_suspected_at_once() {
    let mut group = Group::started(4);
    group.kill_redis(&node(0));
    group.run(3000);
    assert_eq!(
        group.epoch(),
        2,
        "one failure, one election: {:#?}",
        group.decisions
    );
    let suspected = group
        .events
        .iter()
        .filter(|(_, _, h)| matches!(h, Happening::Suspected(n) if *n != node(0)));
    assert_eq!(suspected.count(), 0);
}

#[test]
fn votes_do_not_split_when_all_sentinels_see_it_at_the_same_moment() {
    for victim in 0..10 {
        let mut group = Group::started(4);
        group.run(victim * 3);
        group.kill_agent(&node(0));
        group.run(2);
        let took = group.until_served(400);
        assert!(took < 200, "took {took} ms");
        assert_eq!(group.epoch(), 2);
    }
}

#[test]
fn a_dead_leader_costs_milliseconds() {
    let mut group = Group::started(4);
    // It dies in the middle of its election: others have accepted the record, nobody goes on.
    group.kill_redis(&node(0));
    group.run(4);
    group.stop_sentinel(&sentinel(0));
    let took = group.until_served(2000);
    assert!(took < 600, "took {took} ms: {:#?}", group.decisions);
}

#[test]
fn a_sentinel_that_dies_with_the_primary_costs_a_hundred_milliseconds() {
    let mut group = Group::started(4);
    group.stop_sentinel(&sentinel(0));
    group.kill_redis(&node(0));
    group.run(2);
    let took = group.until_served(1000);
    assert!(took < 140, "took {took} ms: {:#?}", group.decisions);
}

#[test]
fn observers_are_not_late() {
    let mut group = Group::started(4);
    group.kill_redis(&node(0));
    group.run(1000);
    let at = switches(&group);
    assert_eq!(at.len(), 3, "each sentinel tells its clients once");
    assert!(
        at.iter().max().unwrap() - at.iter().min().unwrap() <= 60,
        "{at:?}"
    );
}

#[test]
fn a_silent_primary_is_replaced_only_after_its_lease() {
    let mut group = Group::started(4);
    group.cut.insert(node(0));
    group.run(5);
    // `primary` asserts at every millisecond that no two nodes are open.
    let mut served = None;
    for passed in 0..1500 {
        group.run(1);
        if group.primary().is_some_and(|p| p != node(0)) {
            served = Some(passed);
            break;
        }
    }
    let served = served.expect("somebody else serves");
    // The last lease was granted at most one pace of reports before the cut.
    let least = LEASE_GRANTED - REPORT_PRIMARY;
    assert!((least..700).contains(&served), "after {served} ms");
}

#[test]
fn a_handoff_moves_the_primary_and_pauses_for_milliseconds() {
    let mut group = Group::started(4);
    group.ask(&sentinel(1), Request::Handoff(Some(node(2))));
    group.run(200);
    assert_eq!(group.primary(), Some(node(2)), "{:#?}", group.decisions);
    let answer = group.answers[0].1.clone().unwrap();
    assert!(
        answer.starts_with("handed over from redis-0 to redis-2 in epoch 2"),
        "{answer}"
    );
}

#[test]
fn a_handoff_that_fails_leaves_the_group_served() {
    let mut group = Group::started(4);
    group.ask(&sentinel(0), Request::Handoff(Some(node(2))));
    group.run(4);
    group.kill_agent(&node(2));
    group.until_served(2000);
    assert_ne!(group.primary(), Some(node(2)));
}

#[test]
fn a_frozen_primary_is_killed_before_another_serves() {
    let mut group = Group::started(4);
    group.redis.get_mut(&node(0)).unwrap().frozen = true;
    let hung = holdfast_core::agent::AgentInput::Hung("no answer".to_owned());
    group
        .agents
        .get_mut(&node(0))
        .unwrap()
        .step(group.now, hung);
    group.run(200);
    assert!(group.primary().is_some_and(|p| p != node(0)));
    assert!(
        group
            .decisions
            .iter()
            .any(|(_, said)| said.is("ServerKilled"))
    );
}

#[test]
fn everything_restarts_and_the_data_of_the_old_primary_wins() {
    let mut group = Group::started(4);
    group.power_off();
    for number in (0..4).rev() {
        group.come_back(&node(number), Some(5000));
    }
    group.until_served(3000);
    assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
}

#[test]
fn an_emptied_primary_never_wins_against_data() {
    let mut group = Group::started(4);
    group.power_off();
    for number in 0..4 {
        let emptied = number == 0;
        group.redis.get_mut(&node(number)).unwrap().info.keys = u64::from(!emptied);
        // Its agent remembers how far the data reached; only the data is gone.
        group.come_back(&node(number), Some(5000));
        group.data.insert(
            node(number),
            DataAtStart {
                blank: emptied,
                ..DataAtStart::default()
            },
        );
    }
    group.until_served(3000);
    assert_ne!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
}

/// redis-2 came back without data and had copied them when its primary ended, before a look showed its link.
#[test]
fn a_copy_that_is_whole_goes_before_an_empty_data_set_though_its_link_was_never_seen() {
    let mut group = Group::started(3);
    group.power_off();
    for (number, keys, offset) in [(0, 0, None), (1, 0, Some(0)), (2, 67, None)] {
        group.redis.get_mut(&node(number)).unwrap().info.keys = keys;
        group.come_back(&node(number), offset);
    }
    group.until_served(3000);
    assert_eq!(group.primary(), Some(node(2)), "{:#?}", group.decisions);
}

#[test]
fn a_lone_survivor_waits_for_the_others_or_for_a_word() {
    let mut group = Group::started(4);
    group.power_off();
    group.come_back(&node(3), Some(4000));
    group.run(20_000);
    assert_eq!(
        group.primary(),
        None,
        "one of four is not enough to be sure"
    );
    for number in 0..3 {
        group.ask(&sentinel(number), Request::Force(node(3)));
    }
    group.until_served(5000);
    assert_eq!(group.primary(), Some(node(3)));
}

/// The nodes that the group's record waits for, as every sentinel has it.
fn recorded(group: &Group) -> Vec<BTreeSet<Node>> {
    let record = |core: &SentinelCore| core.group(&name()).unwrap().record().unwrap().nodes.clone();
    group.sentinels.values().map(record).collect()
}

#[test]
fn a_node_that_left_is_forgotten_by_every_sentinel() {
    let mut group = Group::started(4);
    group.kill_agent(&node(2));
    group.run(50);
    group.ask(&sentinel(1), Request::Forget(Some(node(2))));
    group.run(200);
    assert_eq!(group.answers[0].1, Ok("forgot redis-2".to_owned()));
    let left = BTreeSet::from([node(0), node(1), node(3)]);
    assert_eq!(recorded(&group), vec![left; 3]);
}

#[test]
fn who_asks_to_forget_is_answered_only_when_it_is_written() {
    let mut group = Group::started(4);
    group.kill_agent(&node(2));
    group.run(50);
    for other in [0, 2] {
        group.stop_sentinel(&sentinel(other));
    }
    group.ask(&sentinel(1), Request::Forget(Some(node(2))));
    group.run(200);
    assert!(group.answers.is_empty());
    group.run(4000);
    let refused = group.answers.pop().unwrap().1.unwrap_err();
    assert!(refused.starts_with("no majority"), "{refused}");
}

#[test]
fn a_name_that_nobody_has_cannot_be_forgotten() {
    let mut group = Group::started(4);
    group.ask(&sentinel(1), Request::Forget(Some(node(9))));
    group.run(50);
    let refused = group.answers.pop().unwrap().1;
    assert_eq!(refused, Err("no node is called redis-9".to_owned()));
}

#[test]
fn without_a_primary_no_node_is_forgotten_and_the_answer_says_so() {
    let mut group = Group::started(4);
    group.power_off();
    group.come_back(&node(3), Some(4000));
    group.run(4000);
    let before = recorded(&group);
    for gone in [Some(node(1)), None] {
        group.ask(&sentinel(0), Request::Forget(gone));
        group.run(200);
        let refused = group.answers.pop().unwrap().1.unwrap_err();
        assert!(
            refused.starts_with("INPROG mymaster has no primary"),
            "{refused}"
        );
    }
    assert_eq!(recorded(&group), before);
}

#[test]
fn unknown_data_is_quarantined_and_never_chosen() {
    let mut group = Group::cold(3);
    group.data.insert(
        node(0),
        DataAtStart {
            foreign: true,
            ..DataAtStart::default()
        },
    );
    group.redis.entry(node(0)).or_default().info.keys = 9;
    group.run(15_000);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
    let standing = group.agents[&node(0)].standing().clone();
    assert_eq!(
        standing,
        holdfast_core::agent::Standing::Fresh,
        "it follows nobody and is not wiped"
    );
}

fn unwritten(nodes: usize) -> Group {
    let mut group = Group::cold(nodes);
    group.written = false;
    group.run(3_000);
    assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
    group
}

/// redis-0 takes its first writes and is cut off before any of them has reached the others, one of which rules then and has
/// `keys` when it begins.
fn followed_by(keys: u64) -> Group {
    let mut group = unwritten(3);
    for other in [0, 1, 2] {
        group.redis.get_mut(&node(other)).unwrap().info.keys = keys;
    }
    group.kill_redis(&node(0));
    group.run(10);
    let old = group.redis.get_mut(&node(0)).unwrap();
    old.info.keys = 9;
    old.info.offset += 500;
    group.cut.insert(node(0));
    group.run(3_000);
    assert_ne!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
    assert_eq!(group.record().history.last().unwrap().empty, keys == 0);
    group.cut.clear();
    group.run(3_000);
    group
}

#[test]
fn keys_are_not_replaced_by_a_primary_that_began_without_any() {
    let group = followed_by(0);
    let standing = group.agents[&node(0)].standing();
    assert_eq!(*standing, Standing::Fresh, "{:#?}", group.decisions);
    let said = |(_, said): &&(u64, Decided)| said.is("Withheld") && said.text.contains("9 keys");
    assert_eq!(group.decisions.iter().filter(said).count(), 1);
    let status = group.sentinels[&sentinel(1)].status(group.now, &name());
    let shown = &status.unwrap().nodes[0];
    assert_eq!(
        (shown.name.as_str(), shown.state.as_str()),
        ("redis-0", "withheld")
    );
}

#[test]
fn so_are_those_of_a_primary_that_ended_just_after_it_was_opened() {
    let mut group = Group::cold(3);
    group.written = false;
    group.until_served(1_000);
    group.run(50);
    let first = &mut group.redis.get_mut(&node(0)).unwrap().info;
    (first.keys, first.offset) = (9, first.offset + 500);
    group.kill_redis(&node(0));
    group.run(3_000);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
    assert!(
        group.agents[&node(0)].is_withheld(),
        "{:#?}",
        group.decisions
    );
}

#[test]
fn a_replica_that_had_got_keys_and_was_not_heard_keeps_them_as_well() {
    let mut group = unwritten(3);
    group.cut.insert(node(2));
    let ahead = &mut group.redis.get_mut(&node(2)).unwrap().info;
    (ahead.keys, ahead.offset) = (9, ahead.offset + 500);
    ahead.link_up = false;
    group.kill_redis(&node(0));
    group.run(3_000);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
    group.cut.clear();
    group.run(3_000);
    let standing = group.agents[&node(2)].standing();
    assert_eq!(*standing, Standing::Sealed(2), "{:#?}", group.decisions);
}

#[test]
fn what_a_primary_with_keys_goes_on_without_is_given_up_as_async_says() {
    let group = followed_by(1);
    assert!(matches!(
        group.agents[&node(0)].standing(),
        Standing::Following(..)
    ));
}

#[test]
fn keys_that_the_group_deleted_itself_are_no_reason_to_stay_away() {
    let mut group = unwritten(3);
    // redis-2 has not heard of the deletion yet, with which redis-1 begins.
    group.redis.get_mut(&node(2)).unwrap().info.keys = 9;
    group.redis.get_mut(&node(1)).unwrap().info.offset += 100;
    group.kill_redis(&node(0));
    group.run(3_000);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
    assert!(group.record().history.last().unwrap().empty);
    assert!(matches!(
        group.agents[&node(2)].standing(),
        Standing::Following(..)
    ));
}

#[test]
fn a_sentinel_that_lost_its_disk_is_taken_in_again_and_never_votes_before() {
    // Also the first by name, whose turn it would be to take somebody in.
    for lost in (0..3).map(sentinel) {
        let mut group = Group::started(3);
        group.stop_sentinel(&lost);
        group.run(100);
        group.start_sentinel(&lost, Persistent::default(), "new-disk");
        assert!(!group.sentinels[&lost].votes());
        group.run(2000);
        assert!(group.sentinels[&lost].votes(), "{:#?}", group.decisions);
        let voters = group.sentinels[&sentinel(1)].voters();
        assert_eq!(voters.members[&lost], format!("{lost}-new-disk"));
        assert_eq!(voters.version, 3, "one out, one in");
    }
}

#[test]
fn all_sentinels_agree_on_the_primary_at_any_moment_after_a_switch() {
    let mut group = Group::started(4);
    group.kill_redis(&node(0));
    group.run(300);
    let told = |s: usize| {
        group.sentinels[&sentinel(s)]
            .group(&name())
            .unwrap()
            .announced()
            .cloned()
    };
    assert!(told(0).is_some());
    assert_eq!((told(0), told(1)), (told(1), told(2)));
}

#[test]
fn a_request_for_a_handoff_is_not_lost_when_another_change_of_the_record_wins() {
    for (handing, forgetting) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
        let mut group = Group::started(4);
        group.kill_agent(&node(3));
        group.run(50);
        group.ask(&sentinel(forgetting), Request::Forget(Some(node(3))));
        group.ask(&sentinel(handing), Request::Handoff(Some(node(2))));
        group.run(1_000);
        assert_eq!(group.primary(), Some(node(2)), "{:#?}", group.decisions);
    }
}

#[test]
fn a_handoff_waits_a_moment_for_a_replica_and_then_says_that_there_is_none() {
    let mut group = Group::started(1);
    let asked = group.now;
    group.ask(&sentinel(0), Request::Handoff(None));
    group.run(1_900);
    assert!(group.answers.is_empty(), "it waits");
    group.run(300);
    let answer = group.answers[0].1.clone().unwrap_err();
    assert!(
        answer.starts_with("NOGOODSLAVE no replica"),
        "{answer} after {} ms",
        group.now - asked
    );
    assert_eq!(group.primary(), Some(node(0)), "and nothing has changed");
}

#[test]
fn one_that_was_made_a_master_before_it_may_obey_is_sealed_again() {
    let mut group = Group::cold(3);
    for number in 0..3 {
        group.stop_sentinel(&sentinel(number));
    }
    group.run(100);
    group.redis.get_mut(&node(0)).unwrap().info.is_master = true;
    group.run(20);
    assert!(!group.redis[&node(0)].info.is_master);
}

/// What each sentinel shows its clients: whether the last it told of the primary is bad.
fn finds_it_down(group: &Group, me: &Sentinel) -> bool {
    let mut told = group.events.iter().filter(|(_, by, _)| by == me);
    let last = told.rfind(|(_, _, happening)| {
        matches!(
            happening,
            Happening::Suspected(_)
                | Happening::Deposed(..)
                | Happening::Cleared(_)
                | Happening::Switched { .. }
        )
    });
    last.is_some_and(|(_, _, h)| matches!(h, Happening::Suspected(_) | Happening::Deposed(..)))
}

#[test]
fn a_primary_that_is_chosen_again_is_down_for_nobody() {
    let mut group = Group::started(1);
    // One sentinel hears of the end from the others only, and never suspects it by itself.
    group.deaf = [sentinel(2)].into();
    group.kill_redis(&node(0));
    group.run(20);
    group.come_back(&node(0), Some(1_000));
    group.until_served(100);
    group.deaf.clear();
    group.run(2_000);
    assert!(group.epoch() > 1);
    let deposed = |(_, me, h): &_| *me == sentinel(2) && matches!(h, Happening::Deposed(..));
    assert!(group.events.iter().any(deposed));
    for me in (0..3).map(sentinel) {
        assert!(!finds_it_down(&group, &me), "{me}: {:#?}", group.events);
    }
}

/// What each sentinel shows of a node.
fn states(group: &Group, of: &Node) -> Vec<String> {
    let statuses = group
        .sentinels
        .values()
        .filter_map(|s| s.status(group.now, &name()));
    statuses
        .flat_map(|status| status.nodes)
        .filter(|node| node.name == of.as_str())
        .map(|node| node.state)
        .collect()
}

#[test]
fn a_primary_that_was_counted_as_down_before_is_shown_as_it_is() {
    let mut group = Group::started(3);
    group.cut.extend([node(1), node(2)]);
    group.run(1_700);
    group.kill_agent(&node(0));
    group.run(500);
    group.cut.clear();
    group.until_served(3_000);
    group.run(2_000);
    let primary = group.primary().unwrap();
    assert_eq!(states(&group, &primary), ["up", "up", "up"]);
    let up_again = |h: &Happening| matches!(h, Happening::ReplicaUp(n) if *n == primary);
    let told = group.events.iter().filter(|(_, _, h)| up_again(h)).count();
    assert_eq!(told, 3, "clients are told by each sentinel, too");
}

#[test]
fn a_node_that_is_heard_in_an_election_is_not_silent() {
    let mut group = Group::started(3);
    let position = group.redis[&node(0)].info.offset;
    group.power_off();
    group.come_back(&node(0), Some(position));
    group.run(4_000);
    assert_eq!(group.primary(), None, "one of three nodes is not enough");
    for state in states(&group, &node(0)) {
        assert!(!["silent", "gone"].contains(&state.as_str()), "{state}");
    }
}

#[test]
fn every_sentinel_says_that_there_is_no_primary_and_one_says_why() {
    let mut group = Group::started(3);
    let position = group.redis[&node(0)].info.offset;
    group.power_off();
    group.come_back(&node(0), Some(position));
    group.run(12_000);
    let before = group.decisions.len();
    for _ in 0..10 {
        group.run(1_000);
        let statuses: Vec<_> = group
            .sentinels
            .values()
            .filter_map(|s| s.status(group.now, &name()))
            .collect();
        assert!(statuses.iter().all(|s| s.trouble.is_some()));
        let leaders = statuses.iter().filter(|s| s.leads);
        let why: Vec<_> = leaders.filter_map(|s| s.trouble.clone()).collect();
        assert_eq!(why.len(), 1);
        assert!(why[0].contains("1 of 3 nodes are back"), "{why:?}");
    }
    let since = &group.decisions[before..];
    assert!(
        since.iter().all(|(_, said)| said.is("ElectionResumed")),
        "what it waits for is decided once by each: {since:#?}"
    );
}

#[test]
fn an_empty_data_set_that_is_handed_over_is_one_that_clients_emptied() {
    let mut group = Group::started(3);
    group.written = false;
    for redis in group.redis.values_mut() {
        redis.info.keys = 0;
    }
    group.ask(&sentinel(0), Request::Handoff(Some(node(1))));
    group.run(400);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
    let record = group.record();
    assert!(!record.history.last().unwrap().empty, "{record:?}");
}

#[test]
fn handoffs_that_are_asked_for_are_paced() {
    let mut group = Group::started(3);
    group.config.handoff_pace = 2_000;
    group.reconfigure();
    group.run(10);
    let mut answers = Vec::new();
    for (number, pause) in [(0, 500), (1, 2_000), (2, 500)] {
        group.ask(&sentinel(number), Request::Handoff(None));
        group.run(pause);
        answers.push(group.answers.last().unwrap().1.clone());
    }
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    let refused = answers[1].clone().unwrap_err();
    assert!(refused.starts_with("INPROG the last handoff"), "{refused}");
    assert!(refused.contains("at most one in 2000 ms"), "{refused}");
    assert_eq!(group.epoch(), 3);
}

#[test]
fn sentinels_that_restart_in_an_outage_still_know_the_last_primary() {
    let mut group = Group::started(3);
    group.power_off();
    group.run(500);
    let disks: Vec<_> = group
        .sentinels
        .iter()
        .map(|(me, core)| {
            let slot = core.slot(&name()).unwrap().clone();
            let slots = [(name(), slot)].into_iter().collect();
            let voters = core.voters().clone();
            (me.clone(), Persistent { voters, slots })
        })
        .collect();
    for (me, _) in &disks {
        group.stop_sentinel(me);
    }
    let last = |group: &Group, me| {
        let known = group.sentinels[me].last_primary(&name());
        known.map(|(_, node, _)| node)
    };
    let (first, disk) = disks[0].clone();
    group.start_sentinel(&first, disk, "disk");
    group.run(50);
    assert_eq!(last(&group, &first), Some(node(0)), "alone, from its disk");
    for (me, disk) in disks.into_iter().skip(1) {
        group.start_sentinel(&me, disk, "disk");
    }
    group.run(1_500);
    for me in group.sentinels.keys() {
        assert_eq!(last(&group, me), Some(node(0)));
    }
}

/// An endless copy: each attempt empties the replica and fails.
#[test]
fn a_replica_without_a_whole_copy_is_known_as_such_until_it_has_one() {
    let mut group = Group::started(3);
    group.run(500);
    let copying = |group: &Group, of: &Node| {
        let cores = group.sentinels.values();
        let nodes = cores.map(|core| core.group(&name()).unwrap().nodes()[of].copying_since);
        nodes.map(|since| since.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(copying(&group, &node(1)), [false; 3]);
    group.redis.get_mut(&node(1)).unwrap().info.syncing = true;
    group.run(500);
    assert_eq!(copying(&group, &node(1)), [true; 3], "a copy has begun");
    assert_eq!(copying(&group, &node(2)), [false; 3]);
    group.redis.get_mut(&node(1)).unwrap().info.syncing = false;
    group.run(500);
    assert_eq!(copying(&group, &node(1)), [false; 3], "it has ended well");
    group.kill_agent(&node(0));
    group.until_served(3_000);
    group.run(1_000);
    let primary = group.primary().unwrap();
    assert_eq!(copying(&group, &primary), [false; 3]);
}
