#![allow(clippy::expect_used)]
use super::*;
use crate::names::{Address, Incarnation, Node};
use crate::syncset::SyncRule;
use std::collections::BTreeSet;

mod echoes;
mod repeats;

fn node(name: &str) -> Node {
    Node::from(name)
}

fn address(name: &str) -> Address {
    Address::new(name, 6379)
}

fn rule(members: &[&str], k: usize) -> SyncRule {
    let members = members
        .iter()
        .map(|name| (node(name), Incarnation::from("run")));
    SyncRule {
        members: members.collect(),
        k,
        ..SyncRule::default()
    }
}

fn hold(version: u64, rules: &[SyncRule]) -> Hold {
    let names = rules.iter().flat_map(|rule| rule.members.keys());
    Hold {
        epoch: 1,
        version,
        rules: rules.to_vec(),
        addresses: names
            .map(|name| (name.clone(), address(name.as_str())))
            .collect(),
    }
}

/// A gate with one link and one connection.
fn gate_of(mutant: Mutant, rules: &[SyncRule]) -> (Gate, Connection) {
    let mut gate = Gate::new(mutant);
    gate.hold(hold(7, rules));
    gate.link_ready(0);
    let connection = gate.open(0);
    (gate, connection)
}

fn gate(rules: &[SyncRule]) -> (Gate, Connection) {
    gate_of(Mutant::None, rules)
}

/// Another connection that has proved this name.
fn follow(gate: &mut Gate, name: &str) -> Following {
    gate.acks.follow(Some(&node(name)), Some(&address(name)))
}

/// The connection of this name.
fn connection(gate: &mut Gate, name: &str) -> Following {
    let known = gate.acks.newest(&node(name));
    known.unwrap_or_else(|| follow(gate, name))
}

/// What replicas acknowledge.
fn acknowledge(gate: &mut Gate, now: Micros, acks: &[(&str, u64)]) {
    for (name, offset) in acks {
        let following = connection(gate, name);
        gate.acknowledged(now, following, *offset);
    }
}

fn answer(gate: &mut Gate, now: Micros, link: usize, answers: &[Answer]) {
    for one in answers {
        gate.answer(now, link, *one);
    }
}

/// One barrier: its offset, what is acknowledged meanwhile, and what `WAIT` says of that.
fn barrier(gate: &mut Gate, now: Micros, offset: u64, acks: &[(&str, u64)], count: u64) {
    let issue = gate.next(now).expect("a barrier");
    let before = [Answer::Master(offset), Answer::Count(0)];
    answer(gate, now + 100, issue.link, &before);
    acknowledge(gate, now + 100, acks);
    answer(gate, now + 100, issue.link, &[Answer::Count(count)]);
}

fn released(gate: &mut Gate) -> Vec<u64> {
    gate.released().map(|(_, up_to)| up_to).collect()
}

#[test]
fn a_reply_is_released_when_k_members_have_more_than_was_behind_it() {
    let (mut gate, client) = gate(&[rule(&["b", "c"], 1)]);
    gate.held(client, 5);
    acknowledge(&mut gate, 0, &[("b", 100), ("c", 90)]);
    let issue = gate.next(0).expect("a barrier");
    answer(&mut gate, 10, issue.link, &[Answer::Master(100)]);
    acknowledge(&mut gate, 20, &[("c", 100), ("b", 100)]);
    assert_eq!(released(&mut gate), [0; 0], "nobody has more");
    acknowledge(&mut gate, 30, &[("b", 140)]);
    assert_eq!(released(&mut gate), [5], "without a word of WAIT");
}

#[test]
fn an_acknowledgement_may_be_read_before_the_offset() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 5);
    let issue = gate.next(0).expect("a barrier");
    acknowledge(&mut gate, 10, &[("b", 140)]);
    assert_eq!(released(&mut gate), [0; 0], "of what, nobody has told");
    answer(&mut gate, 10, issue.link, &[Answer::Master(100)]);
    assert_eq!(released(&mut gate), [5]);
}

#[test]
fn what_is_read_after_the_barrier_was_sent_waits_for_the_next() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 5);
    let issue = gate.next(0).expect("a barrier");
    gate.held(client, 7);
    answer(&mut gate, 100, issue.link, &[Answer::Master(10)]);
    acknowledge(&mut gate, 100, &[("b", 50)]);
    assert_eq!(released(&mut gate), [5]);
    answer(
        &mut gate,
        100,
        issue.link,
        &[Answer::Count(0), Answer::Count(1)],
    );
    barrier(&mut gate, 2_000, 50, &[("b", 90)], 1);
    assert_eq!(released(&mut gate), [12]);
}

#[test]
fn a_busy_reply_never_counts_as_an_answer() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 5);
    let issue = gate.next(0).expect("a barrier");
    answer(&mut gate, 1, issue.link, &[Answer::Refused; 3]);
    assert_eq!(released(&mut gate), [0; 0]);
    // The script ends in the middle of a barrier: its effects have an offset that nobody has told.
    let issue = gate.next(2_000).expect("a barrier");
    let late = [Answer::Refused, Answer::Count(0), Answer::Count(1)];
    answer(&mut gate, 2_001, issue.link, &late);
    acknowledge(&mut gate, 2_001, &[("b", 900)]);
    assert_eq!(released(&mut gate), [0; 0]);
    assert!(gate.news().next().is_none(), "no barrier has come back");
    barrier(&mut gate, 4_000, 900, &[("b", 950)], 1);
    assert_eq!(released(&mut gate), [5]);
}

#[test]
fn every_rule_in_force_has_to_be_satisfied() {
    let (mut gate, client) = gate(&[rule(&["b", "c"], 1), rule(&["d"], 1)]);
    gate.held(client, 5);
    barrier(&mut gate, 0, 10, &[("b", 50)], 1);
    assert_eq!(released(&mut gate), [0; 0]);
    barrier(&mut gate, 2_000, 50, &[("b", 90), ("d", 90)], 2);
    assert_eq!(released(&mut gate), [5]);
}

/// What `WAIT` says, strangers, and a member that is connected twice.
fn only_strangers_answered(mutant: Mutant) -> Vec<u64> {
    let (mut gate, client) = gate_of(mutant, &[rule(&["b", "c"], 2)]);
    gate.held(client, 5);
    barrier(&mut gate, 0, 10, &[("x", 99), ("b", 99), ("b", 99)], 3);
    released(&mut gate)
}

#[test]
fn each_member_counts_once_and_nobody_else_counts() {
    assert_eq!(only_strangers_answered(Mutant::None), [0; 0]);
    for planted in [
        Mutant::TrustWait,
        Mutant::CountConnections,
        Mutant::ReleaseEarly,
    ] {
        assert_eq!(only_strangers_answered(planted), [5], "{planted:?}");
    }
}

#[test]
fn a_proved_name_at_another_address_counts_for_nothing() {
    let (mut gate, client) = gate(&[rule(&["b", "c"], 1)]);
    gate.held(client, 5);
    let moved = gate.acks.follow(Some(&node("b")), Some(&address("c")));
    let nowhere = gate.acks.follow(Some(&node("c")), None);
    let unproved = gate.acks.follow(None, Some(&address("b")));
    barrier(&mut gate, 0, 10, &[], 1);
    for line in [moved, nowhere, unproved] {
        gate.acknowledged(10, line, 99);
    }
    assert_eq!(released(&mut gate), [0; 0]);
}

#[test]
fn what_was_acknowledged_ends_with_its_connection() {
    let (mut gate, client) = gate(&[rule(&["b", "c"], 2)]);
    gate.held(client, 5);
    barrier(&mut gate, 0, 10, &[("b", 99)], 1);
    let gone = connection(&mut gate, "b");
    gate.leave(gone);
    acknowledge(&mut gate, 10, &[("c", 99)]);
    assert_eq!(released(&mut gate), [0; 0]);
    gate.acknowledged(20, gone, 99);
    assert_eq!(released(&mut gate), [0; 0], "nothing is heard of it later");
    acknowledge(&mut gate, 30, &[("b", 99)]);
    assert_eq!(released(&mut gate), [5]);
}

#[test]
fn of_two_connections_of_a_member_the_newer_counts() {
    let (mut gate, client) = gate(&[rule(&["b", "c"], 1)]);
    gate.held(client, 5);
    let older = follow(&mut gate, "b");
    let newer = follow(&mut gate, "b");
    barrier(&mut gate, 0, 10, &[], 1);
    gate.acknowledged(10, older, 99);
    assert_eq!(released(&mut gate), [0; 0]);
    // The end of the older one, which a broken network tells late, takes nothing away.
    gate.leave(older);
    gate.acknowledged(20, newer, 99);
    assert_eq!(released(&mut gate), [5]);
    // Where the newer one ends the one before is the newest again.
    let newest = follow(&mut gate, "b");
    gate.leave(newest);
    gate.held(client, 5);
    barrier(&mut gate, 2_000, 99, &[], 1);
    gate.acknowledged(2_010, newer, 120);
    assert_eq!(released(&mut gate), [10]);
}

#[test]
fn an_address_of_two_members_counts_for_none() {
    let (mut gate, client) = gate(&[rule(&["b", "c"], 1)]);
    let mut twice = hold(8, &[rule(&["b", "c"], 1)]);
    twice.addresses.insert(node("c"), address("b"));
    gate.hold(twice);
    gate.held(client, 5);
    barrier(&mut gate, 0, 10, &[("b", 99)], 1);
    assert_eq!(released(&mut gate), [0; 0]);
}

#[test]
fn an_acknowledgement_from_before_a_read_is_no_answer() {
    let frozen = |mutant| {
        let (mut gate, client) = gate_of(mutant, &[rule(&["b"], 1)]);
        gate.held(client, 5);
        barrier(&mut gate, 0, 10, &[("b", 10)], 0);
        released(&mut gate)
    };
    assert_eq!(frozen(Mutant::None), [0; 0]);
    assert_eq!(frozen(Mutant::ReleaseNoOps), [5]);
}

#[test]
fn an_acknowledgement_of_another_reign_counts_for_nothing() {
    let (mut gate, _) = gate(&[rule(&["b"], 1)]);
    acknowledge(&mut gate, 0, &[("b", 900)]);
    let mut next = hold(9, &[rule(&["b"], 1)]);
    next.epoch = 2;
    gate.hold(next);
    gate.link_ready(0);
    let client = gate.open(0);
    gate.held(client, 5);
    barrier(&mut gate, 0, 10, &[], 1);
    assert_eq!(released(&mut gate), [0; 0]);
}

#[test]
fn a_short_count_is_asked_again_without_new_replies() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 5);
    barrier(&mut gate, 0, 10, &[], 0);
    assert!(gate.next(101).is_none(), "not at once");
    let at = gate.wake_at().expect("again later");
    assert!(gate.next(at).is_some());
    // Its offset is known: whatever comes late is enough.
    acknowledge(&mut gate, at + 1, &[("b", 55)]);
    assert_eq!(released(&mut gate), [5]);
}

#[test]
fn a_settled_barrier_does_not_hold_up_the_next_though_wait_still_waits() {
    let (mut gate, client) = gate(&[rule(&["b", "c"], 1)]);
    gate.link_ready(1);
    gate.held(client, 5);
    let first = gate.next(0).expect("a barrier");
    answer(&mut gate, 50, first.link, &[Answer::Master(10)]);
    gate.held(client, 5);
    assert!(gate.next(5_000).is_none(), "one at a time");
    acknowledge(&mut gate, 5_000, &[("b", 50)]);
    let second = gate.next(5_001).expect("a barrier");
    assert_ne!(first.link, second.link);
    gate.held(client, 5);
    assert!(gate.next(10_000).is_none());
}

#[test]
fn a_lost_link_loses_no_reply() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 5);
    assert!(gate.next(0).is_some());
    gate.link_lost(0);
    assert!(gate.next(5_000).is_none());
    gate.link_ready(0);
    barrier(&mut gate, 9_000, 10, &[("b", 50)], 1);
    assert_eq!(released(&mut gate), [5]);
}

#[test]
fn a_slot_that_is_used_again_gets_nothing_of_the_one_before() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 500);
    let issue = gate.next(0).expect("a barrier");
    gate.close(client);
    let next = gate.open(0);
    gate.held(next, 5);
    answer(&mut gate, 100, issue.link, &[Answer::Master(10)]);
    acknowledge(&mut gate, 100, &[("b", 50)]);
    let all: Vec<_> = gate.released().collect();
    assert_eq!(
        all,
        [(client, 500)],
        "the shell knows that this one has ended"
    );
    assert_ne!(client, next);
}

#[test]
fn nothing_is_released_before_the_first_order_nor_after_the_last() {
    let mut gate = Gate::new(Mutant::None);
    gate.link_ready(0);
    let client = gate.open(0);
    gate.held(client, 5);
    assert!(gate.next(10_000).is_none());
    gate.hold(hold(1, &[rule(&["b"], 1)]));
    let issue = gate.next(10_000).expect("a barrier");
    answer(&mut gate, 10_001, issue.link, &[Answer::Master(10)]);
    gate.shut();
    acknowledge(&mut gate, 10_002, &[("b", 50)]);
    answer(
        &mut gate,
        10_002,
        issue.link,
        &[Answer::Count(0), Answer::Count(1)],
    );
    assert_eq!(released(&mut gate), [0; 0]);
}

#[test]
fn a_server_that_is_no_master_ends_it() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 5);
    let issue = gate.next(0).expect("a barrier");
    answer(&mut gate, 10, issue.link, &[Answer::NotMaster]);
    acknowledge(&mut gate, 20, &[("b", 50)]);
    assert_eq!(released(&mut gate), [0; 0]);
    assert_eq!(gate.news().collect::<Vec<_>>(), [News::Deposed(1)]);
    assert!(!gate.is_holding());
}

#[test]
fn rules_are_confirmed_by_a_barrier_that_was_sent_after_they_came() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 5);
    let issue = gate.next(0).expect("a barrier");
    answer(&mut gate, 1, issue.link, &[Answer::Master(10)]);
    gate.hold(hold(8, &[rule(&["b"], 1), rule(&["c"], 1)]));
    acknowledge(&mut gate, 100, &[("b", 50), ("c", 50)]);
    answer(
        &mut gate,
        100,
        issue.link,
        &[Answer::Count(0), Answer::Count(2)],
    );
    assert!(gate.news().next().is_none());
    assert_eq!(released(&mut gate), [5]);
    // The newest alone confirms; both release.
    gate.held(client, 5);
    barrier(&mut gate, 5_000, 60, &[("c", 90)], 1);
    assert_eq!(gate.news().collect::<Vec<_>>(), [News::Confirmed(8)]);
    assert_eq!(released(&mut gate), [0; 0]);
    acknowledge(&mut gate, 5_200, &[("b", 90)]);
    assert_eq!(released(&mut gate), [10]);
}

#[test]
fn rules_are_confirmed_although_nobody_asks_anything() {
    let (mut gate, _) = gate(&[rule(&["b"], 1)]);
    let at = gate.wake_at().expect("a barrier is due");
    barrier(&mut gate, at, 60, &[("b", 90)], 1);
    assert_eq!(gate.news().collect::<Vec<_>>(), [News::Confirmed(7)]);
    assert_eq!(gate.wake_at(), None, "an idle gate sleeps");
}

#[test]
fn members_that_stay_behind_are_told_and_told_again_when_they_are_back() {
    let (mut gate, _) = gate(&[rule(&["b", "c"], 1)]);
    let mut at = 0;
    let mut go = |slow: u64| {
        at += 400_000;
        let offset = at / 1000;
        gate.hold(hold(at, &[rule(&["b", "c"], 1)]));
        let acks = [("b", offset + 1), ("c", slow.min(offset + 1))];
        barrier(&mut gate, at, offset, &acks, 1);
        gate.news().find_map(|news| match news {
            News::Lagging(nodes) => Some(nodes),
            _ => None,
        })
    };
    assert_eq!((go(u64::MAX), go(u64::MAX)), (None, None));
    assert_eq!(go(3), None, "so far it had everything");
    assert_eq!(go(3), Some(BTreeSet::from([node("c")])));
    assert_eq!(
        go(u64::MAX),
        None,
        "known, and not back before this barrier"
    );
    assert_eq!(go(u64::MAX), Some(BTreeSet::new()));
}

#[test]
fn many_clients_share_barriers_and_a_lone_one_does_not_wait() {
    let (mut gate, first) = gate(&[rule(&["b"], 1)]);
    let others: Vec<_> = (1..50).map(|slot| gate.open(slot)).collect();
    gate.next(0);
    answer(&mut gate, 1, 0, &[Answer::Master(1)]);
    acknowledge(&mut gate, 1, &[("b", 9)]);
    answer(&mut gate, 1, 0, &[Answer::Count(0), Answer::Count(1)]);
    for client in others.iter().chain([&first]) {
        gate.asked(1_000_000, *client);
    }
    gate.pace.issued(1_000_000);
    for client in &others[..20] {
        gate.held(*client, 5);
    }
    assert!(gate.next(1_000_050).is_none(), "thirty more are expected");
    assert!(gate.linger(3).is_some());
    for client in &others[20..45] {
        gate.held(*client, 5);
    }
    assert!(gate.next(1_000_060).is_some(), "most are there");
    // Those left wait for something that does not come: nobody waits for them for long.
    gate.link_ready(0);
    gate.asked(1_100_000, first);
    gate.held(first, 5);
    assert!(gate.next(1_100_001).is_some());
    assert!(gate.linger(1).is_none());
}

fn on_disk(members: &[&str], k: usize) -> SyncRule {
    rule(members, k).on_disk(true)
}

#[test]
fn with_disks_a_member_has_the_stamp_itself() {
    let (mut gate, client) = gate(&[on_disk(&["b"], 1)]);
    gate.held(client, 5);
    let issue = gate.next(0).expect("a barrier");
    assert_eq!(issue.stamp.map(|stamp| stamp.epoch), Some(1));
    answer(
        &mut gate,
        1,
        issue.link,
        &[Answer::Count(1), Answer::Master(200)],
    );
    // Another client's write may lie before the stamp: what is not beyond the stamp is not enough.
    acknowledge(&mut gate, 2, &[("b", 199)]);
    assert_eq!(released(&mut gate), [0; 0]);
    acknowledge(&mut gate, 3, &[("b", 200)]);
    assert_eq!(released(&mut gate), [5]);
    assert_eq!(gate.news().collect::<Vec<_>>(), [News::Confirmed(7)]);
}

#[test]
fn a_barrier_whose_stamp_was_refused_settles_nothing() {
    let (mut gate, client) = gate(&[on_disk(&["b"], 1)]);
    gate.held(client, 5);
    let refused = [Answer::Refused, Answer::Master(100), Answer::Count(1)];
    let issue = gate.next(0).expect("a barrier");
    answer(&mut gate, 100, issue.link, &refused);
    acknowledge(&mut gate, 100, &[("b", 900)]);
    assert_eq!(released(&mut gate), [0; 0]);
    assert_eq!(gate.news().count(), 0);
    let next = gate.next(10_000).expect("another one");
    assert!(next.stamp >= issue.stamp);
    let written = [Answer::Count(1), Answer::Master(950), Answer::Count(1)];
    answer(&mut gate, 10_001, next.link, &written);
    assert_eq!(released(&mut gate), [0; 0]);
    acknowledge(&mut gate, 10_002, &[("b", 950)]);
    assert_eq!(released(&mut gate), [5]);
}

#[test]
fn without_disks_nothing_is_stamped() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 5);
    assert_eq!(gate.next(0).expect("a barrier").stamp, None);
}

#[test]
fn the_stream_hurries_to_those_who_have_the_most_and_others_are_spared() {
    let (mut gate, client) = gate(&[rule(&["b", "c", "d"], 1)]);
    let lines = ["b", "c", "d", "z"].map(|name| connection(&mut gate, name));
    let spared = |gate: &Gate| lines.map(|line| gate.can_spare(line));
    assert_eq!(spared(&gate), [false, false, false, true], "z is no member");
    gate.held(client, 5);
    barrier(&mut gate, 0, 10, &[("c", 50)], 1);
    gate.held(client, 5);
    barrier(&mut gate, 2_000, 50, &[("c", 90)], 1);
    assert_eq!(spared(&gate), [true, false, true, true]);
    // Those who come up to it later do not change that; one that has more does.
    acknowledge(&mut gate, 2_500, &[("b", 90), ("d", 90)]);
    gate.held(client, 5);
    barrier(&mut gate, 4_000, 90, &[("d", 120)], 1);
    assert_eq!(spared(&gate), [true, false, true, true]);
    gate.held(client, 5);
    barrier(&mut gate, 6_000, 120, &[], 0);
    assert_eq!(spared(&gate), [true, true, false, true]);
}

#[test]
fn nobody_is_spared_where_acknowledgements_mean_disks() {
    let (mut gate, client) = gate(&[rule(&["b", "c"], 1).on_disk(true)]);
    gate.held(client, 5);
    let issue = gate.next(0).expect("a barrier");
    answer(
        &mut gate,
        10,
        issue.link,
        &[Answer::Count(1), Answer::Master(100)],
    );
    acknowledge(&mut gate, 20, &[("b", 140)]);
    let other = connection(&mut gate, "c");
    assert!(!gate.can_spare(other));
}
