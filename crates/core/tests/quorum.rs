//! A group in `quorum` durability: whose acknowledgements count, who must be heard, and what a lease is needed for.
#![allow(clippy::unwrap_used)]

mod group;

use group::{Group, node, sentinel};
use holdfast_core::agent::{AgentInput, Standing};
use holdfast_core::decided::Decided;
use holdfast_core::gate::GateOrder;
use holdfast_core::names::Address;
use holdfast_core::record::{Durability, OnLossOfQuorum, Phase, Record, Terms};
use holdfast_core::sentinel::{Persistent, Request};
use holdfast_core::wire::Value;

fn terms(sync_replicas: usize) -> Terms {
    Terms {
        durability: Durability::Quorum,
        sync_replicas,
        on_loss_of_quorum: OnLossOfQuorum::Hold,
    }
}

fn degrading() -> Terms {
    Terms {
        on_loss_of_quorum: OnLossOfQuorum::Degrade,
        ..terms(1)
    }
}

fn started(nodes: usize, terms: Terms) -> Group {
    let mut group = Group::cold_with(nodes, terms);
    group.run(3_000);
    assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
    group
}

fn members(group: &Group) -> Vec<String> {
    let record = group.record();
    record
        .sync
        .members
        .keys()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn replicas_in_step_become_the_sync_set() {
    let group = started(4, terms(1));
    assert_eq!(members(&group), ["redis-1", "redis-2", "redis-3"]);
    let record = group.record();
    assert_eq!((record.sync.k, record.former.len()), (1, 0), "{record:#?}");
    assert_eq!(group.rule().unwrap(), record.sync);
    assert_eq!(record.sync.addresses.len(), 3);
    assert_eq!(group.gates[&node(1)], GateOrder::Stale);
}

#[test]
fn a_node_that_is_cut_off_is_replaced_without_waiting_for_a_lease() {
    let mut group = started(4, terms(1));
    group.cut.insert(node(0));
    let began = group.now;
    while group.primary() == Some(node(0)) {
        assert!(group.now < began + 350, "{:#?}", group.decisions);
        group.run(1);
    }
    assert!(
        matches!(group.gates[&node(0)], GateOrder::Hold(_)),
        "it does not know"
    );
    group.run(200);
    let record = group.record();
    assert_eq!(
        (record.phase, record.former.len()),
        (Phase::Stable, 0),
        "{record:#?}"
    );
    group.cut.clear();
    group.run(1_000);
    assert_eq!(group.gates[&node(0)], GateOrder::Stale);
    assert_eq!(members(&group).len(), 3);
}

#[test]
fn a_new_primary_that_is_cut_off_is_missed_as_soon_as_an_old_one() {
    let mut group = started(4, terms(1));
    group.cut.insert(node(0));
    group.run(400);
    let second = group.primary().unwrap();
    assert_ne!(second, node(0));
    group.cut.clear();
    // Its leisurely reports of the time when it was a replica are no reason to be patient with it.
    group.run(600);
    group.cut.insert(second.clone());
    let began = group.now;
    while group.record().phase == Phase::Stable {
        assert!(group.now < began + 280, "{:#?}", group.decisions);
        group.run(1);
    }
    // All others were heard at once, and nobody waits for the word of the one that is missed.
    let electing = group.now;
    while group.record().phase != Phase::Stable {
        assert!(group.now < electing + 30, "{:#?}", group.decisions);
        group.run(1);
    }
}

#[test]
fn nobody_is_elected_while_too_few_members_are_heard() {
    let mut group = started(3, terms(1));
    group.cut.extend([node(0), node(2)]);
    group.run(3_000);
    assert_eq!(group.record().phase, Phase::Electing);
    group.cut.remove(&node(2));
    group.run(300);
    assert_ne!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
}

#[test]
fn a_persons_word_is_for_one_election() {
    let mut group = started(3, terms(1));
    group.cut.extend([node(0), node(2)]);
    group.run(3_000);
    group.ask(&sentinel(0), Request::Force(node(1)));
    group.run(500);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
    group.cut.clear();
    group.run(2_000);
    assert_eq!(members(&group), ["redis-0", "redis-2"]);
    group.ask(&sentinel(1), Request::Handoff(Some(node(0))));
    group.run(1_000);
    assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
    // Once more redis-1 alone is heard, and nobody has said that this loss is accepted.
    group.cut.extend([node(0), node(2)]);
    group.run(10_000);
    assert_eq!(group.record().phase, Phase::Electing);
}

#[test]
fn the_old_primary_suffices() {
    let mut group = started(3, terms(1));
    group.cut.extend([node(0), node(2)]);
    group.run(3_000);
    group.cut.remove(&node(0));
    group.run(500);
    let record = group.record();
    assert_eq!(record.phase, Phase::Stable, "{:#?}", group.decisions);
    assert!(group.rule().is_some());
}

#[test]
fn a_restarted_member_counts_again_as_a_new_incarnation() {
    let mut group = started(3, terms(2));
    let before = group.record().sync;
    group.kill_redis(&node(1));
    group.run(30);
    assert_eq!(group.record().sync, before, "two are needed");
    group.run(3_000);
    let after = group.record().sync;
    assert_ne!(after.members[&node(1)], before.members[&node(1)]);
    assert_eq!((after.members.len(), after.k), (2, 2));
    assert!(group.record().former.is_empty());
}

/// Members restarted with their data at these addresses, and the gate, which by the rule in force cannot know their
/// acknowledgements, says that they hold replies back. A rule that names them as they are now comes all the same.
fn come_back_elsewhere(moves: &[(usize, &str)]) {
    let mut group = started(3, terms(2));
    let before = group.record().sync;
    for (number, host) in moves {
        group.move_to(&node(*number), host);
    }
    let who: Vec<_> = moves.iter().map(|(number, _)| node(*number)).collect();
    group.tell_lagging(&who);
    let named = |group: &Group| {
        let rule = group.record().sync;
        let is_named = |(number, host): &(usize, &str)| {
            let (node, host) = (node(*number), Address::new(*host, 6379));
            rule.members[&node] != before.members[&node] && rule.addresses[&node] == host
        };
        moves.iter().all(is_named)
    };
    let began = group.now;
    while !named(&group) {
        assert!(group.now < began + 2_000, "{:#?}", group.decisions);
        group.run(1);
    }
    group.tell_lagging(&[]);
    group.run(1_000);
    let record = group.record();
    assert_eq!((record.sync.k, record.former.len()), (2, 0), "{record:#?}");
    assert_eq!(members(&group), ["redis-1", "redis-2"]);
}

#[test]
fn a_member_that_came_back_elsewhere_is_not_held_against_itself() {
    come_back_elsewhere(&[(1, "elsewhere")]);
}

#[test]
fn members_that_came_back_at_each_others_address_are_not_held_against_themselves() {
    come_back_elsewhere(&[(1, "redis-2"), (2, "redis-1")]);
}

/// All sentinels restart, and find this made of the record on their disks.
fn restart_sentinels(group: &mut Group, rewrite: impl Fn(&mut Record)) {
    let all: Vec<_> = group.sentinels.keys().cloned().collect();
    let disks = all.iter().map(|me| {
        let (core, mut disk) = (&group.sentinels[me], Persistent::default());
        disk.voters = core.voters().clone();
        let mut slot = core.slot(&group::name()).unwrap().clone();
        if let Some((_, Value::Record(record))) = &mut slot.accepted {
            rewrite(record);
        }
        disk.slots.insert(group::name(), slot);
        disk
    });
    let disks: Vec<_> = disks.collect();
    for me in &all {
        group.stop_sentinel(me);
    }
    for (me, disk) in all.iter().zip(disks) {
        group.start_sentinel(me, disk, "disk");
    }
}

#[test]
fn a_rule_that_names_other_addresses_than_its_members_is_mended() {
    let mut group = started(3, terms(2));
    let before = group.record().sync;
    // The gate knows nobody by such a rule. An older Holdfast may have written it.
    restart_sentinels(&mut group, |record| record.sync.addresses.clear());
    group.run(3_000);
    let after = group.record().sync;
    assert_eq!(after.members, before.members, "the same runs");
    assert_eq!(after.addresses, before.addresses, "{:#?}", group.decisions);
}

#[test]
fn one_that_is_gone_is_taken_out() {
    let mut group = started(4, terms(1));
    group.kill_agent(&node(3));
    group.run(2_000);
    assert_eq!(members(&group), ["redis-1", "redis-2"]);
    for gone in [node(1), node(2)] {
        group.kill_agent(&gone);
    }
    group.run(3_000);
    assert_eq!(members(&group).len(), 2, "not below what is asked for");
    let status = group.sentinels[&sentinel(0)]
        .status(group.now, &group::name())
        .unwrap();
    assert!(status.trouble.unwrap().contains("replies are held"));
}

#[test]
fn a_group_that_asks_for_it_is_degraded_and_goes_back() {
    let mut group = started(2, degrading());
    group.cut.insert(node(1));
    group.kill_redis(&node(1));
    group.run(4_000);
    assert_eq!(
        group.gates[&node(0)],
        GateOrder::Pass,
        "{:#?}",
        group.decisions
    );
    let record = group.record();
    assert_eq!((record.sync.k, record.degraded_to), (0, Some(0)));
    assert!(record.is_leased() && !record.is_joint());
    let kept: Vec<usize> = record.former.iter().map(|former| former.rule.k).collect();
    assert_eq!(kept, [1], "for what it released before");
    group.cut.clear();
    group.run(3_000);
    assert!(group.record().former.is_empty());
    let record = group.record();
    assert_eq!(
        (record.sync.k, record.degraded_to),
        (1, None),
        "{:#?}",
        group.decisions
    );
    assert!(!record.is_leased());
    assert_eq!(group.rule().unwrap().k, 1);
}

#[test]
fn who_may_lack_what_was_released_before_a_group_degraded_is_not_elected() {
    let mut group = started(3, degrading());
    group.cut.extend([node(1), node(2)]);
    group.run(4_000);
    assert_eq!(group.record().sync.k, 0, "{:#?}", group.decisions);
    // Each reply was released with one of them, and nobody knows with which.
    group.cut.remove(&node(1));
    group.kill_agent(&node(0));
    group.run(5_000);
    assert_eq!(group.primary(), None, "{:#?}", group.decisions);
    group.cut.clear();
    group.run(2_000);
    assert!(group.primary().is_some(), "{:#?}", group.decisions);
}

#[test]
fn durability_changes_while_the_group_serves() {
    let mut group = Group::started(3);
    assert_eq!(group.gates[&node(0)], GateOrder::Pass);
    group.config.terms = terms(1);
    group.reconfigure();
    group.run(1_000);
    assert_eq!(
        group.rule().unwrap().members.len(),
        2,
        "{:#?}",
        group.decisions
    );
    assert!(!group.record().is_leased());
    group.config.terms = Terms::default();
    group.reconfigure();
    group.run(1_000);
    assert_eq!(
        group.gates[&node(0)],
        GateOrder::Pass,
        "{:#?}",
        group.decisions
    );
    assert!(group.record().former.is_empty());
    assert_eq!(group.primary(), Some(node(0)));
    let fenced = group.decisions.iter().any(|(_, said)| said.is("LeaseLost"));
    assert!(!fenced, "the lease was there before it was needed");
}

#[test]
fn a_handoff_takes_the_old_primary_in() {
    let mut group = started(2, terms(1));
    group.ask(&sentinel(0), Request::Handoff(None));
    group.run(500);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
    assert_eq!(members(&group), ["redis-0"]);
    group.run(500);
    assert!(group.record().former.is_empty(), "{:#?}", group.decisions);
}

/// Hands over from redis-0 to redis-1, and looks after every millisecond.
fn hand_over(drains: bool, mut look: impl FnMut(&Group)) {
    let mut group = started(4, terms(1));
    group.drains = drains;
    group.ask(&sentinel(0), Request::Handoff(Some(node(1))));
    let began = group.now;
    while group.primary() != Some(node(1)) {
        assert!(group.now < began + 1_000, "{:#?}", group.decisions);
        group.run(1);
        look(&group);
    }
}

#[test]
fn the_other_replicas_of_a_handoff_follow_as_soon_as_the_register_says_so() {
    let mut at_once = None;
    hand_over(true, |group| {
        let follows = |number| {
            let standing = group.agents[&node(number)].standing();
            matches!(standing, Standing::Following(2, to) if to.host == "redis-1")
        };
        let record = group.record();
        if (record.epoch, record.phase) == (2, Phase::Stable) {
            at_once.get_or_insert([2, 3].map(follows));
        }
    });
    assert_eq!(at_once, Some([true, true]));
}

#[test]
fn clients_are_served_until_the_promise_is_written() {
    let mut paused = false;
    hand_over(true, |group| {
        if group.gates[&node(0)] == GateOrder::Pause {
            paused = true;
            assert_eq!(group.agents[&node(0)].promised(), 2);
        }
    });
    assert!(paused);
}

/// redis-0 is looked at every 100 ms: its role may have changed and changed back in between.
#[test]
fn a_primary_that_was_none_for_a_moment_ends_when_its_gate_says_so() {
    let mut group = started(3, terms(1));
    group.hear(&node(0), AgentInput::Deposed(0));
    group.run(500);
    assert_eq!(group.record().epoch, 1, "said of a reign that is over");
    group.hear(&node(0), AgentInput::Deposed(1));
    group.run(500);
    let ended =
        |(_, said): &(u64, Decided)| said.text.contains("its role was changed from outside");
    assert!(group.decisions.iter().any(ended), "{:#?}", group.decisions);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
}

#[test]
fn sessions_leave_before_the_seal_if_all_is_answered() {
    for drains in [true, false] {
        let mut left = false;
        hand_over(drains, |group| {
            let carries = matches!(group.gates[&node(0)], GateOrder::Carry(_));
            left |= carries && *group.agents[&node(0)].standing() == Standing::Paused(2);
        });
        assert_eq!(left, drains);
    }
}

#[test]
fn everything_restarted_is_chosen_by_its_data() {
    let mut group = started(3, terms(1));
    group.power_off();
    for (number, offset) in [(0, 500), (1, 700), (2, 600)] {
        group.come_back(&node(number), Some(offset));
    }
    group.run(3_000);
    // All that it released is on the disk of the old primary, whatever was noted of it.
    assert_eq!(group.primary(), Some(node(0)), "{:#?}", group.decisions);
    assert_eq!(members(&group).len(), 2);
}

#[test]
fn a_lone_survivor_waits_for_the_others_or_for_a_word() {
    let mut group = started(3, terms(1));
    group.power_off();
    group.come_back(&node(1), Some(700));
    group.run(15_000);
    assert_eq!(group.primary(), None, "{:#?}", group.decisions);
    // Whoever was asked acts when the election is its to drive.
    group.ask(&sentinel(0), Request::Force(node(1)));
    group.run(7_000);
    assert_eq!(group.primary(), Some(node(1)), "{:#?}", group.decisions);
}
