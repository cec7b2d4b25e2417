#![allow(clippy::unwrap_used)]

use super::super::{AgentInput, DataAtStart, Operation, Settings, Stored};
use super::*;
use crate::dataset::{FileMark, Files};
use crate::decided::Decided;
use crate::names::{Address, Incarnation, Node, Sentinel};
use crate::record::{Member, Record, Reign, Terms};
use crate::syncset::SyncRule;
use crate::wire::{FromSentinel, Newest, Report};

fn log(bytes: u64) -> Files {
    Files {
        log: vec![FileMark {
            name: "incr".to_owned(),
            seq: 1,
            bytes,
            head: 1,
            tail: bytes,
        }],
        ..Files::default()
    }
}

/// An agent whose note says: 1:500, for 1,000 keys in a file of 500 bytes.
fn agent(mutant: Mutant) -> Agent {
    let settings = Settings {
        node: Node::from("redis-1"),
        address: Address::new("redis-1", 6379),
        priority: 100,
        on_disk: false,
        restart: true,
        script_limit: 10_000,
        pause_limit: crate::limits::PAUSE_WAITED,
        gated: false,
        mutant,
        server: None,
    };
    let noted = Noted {
        keys: 1000,
        replid: "history-1".to_owned(),
        files: log(500),
        ..Noted::default()
    };
    let stored = Stored {
        promised: 1,
        member: true,
        position: Some(Position {
            epoch: 1,
            offset: 500,
        }),
        latest: Some(Box::new(noted.clone())),
        noted: Some(noted),
        ..Stored::default()
    };
    Agent::new(settings, stored)
}

fn info(keys: u64, bytes: u64) -> ServerInfo {
    ServerInfo {
        incarnation: Incarnation::from("run-1"),
        replid: "fresh".to_owned(),
        keys,
        keys_at: 0,
        persisted: true,
        settles_in: Some(2_000),
        files: Some(log(bytes)),
        ..ServerInfo::default()
    }
}

/// It starts on a file of this size, which redis-server cuts to that.
fn started(agent: &mut Agent, before: u64, after: u64, keys: u64) -> Vec<AgentOutput> {
    agent.step(1, AgentInput::Tick);
    let tail = |note: Option<&Noted>| {
        let noted = note?.files.log.last()?.bytes;
        (before >= noted).then_some(noted)
    };
    let data = DataAtStart {
        files: log(before),
        noted_tail: tail(agent.stored.noted.as_ref()),
        latest_tail: tail(agent.stored.latest.as_deref()),
        ..DataAtStart::default()
    };
    let mut out = agent.step(10, AgentInput::Started(info(keys, after), data));
    // The first note of these files has to be on disk.
    out.extend(agent.step(10, AgentInput::Stored(1)));
    out
}

fn report(out: &[AgentOutput]) -> Report {
    let mut reports = out.iter().rev().filter_map(|output| match output {
        AgentOutput::Broadcast(report) => Some((**report).clone()),
        _ => None,
    });
    reports.next().unwrap_or_default()
}

/// redis-0 rules epoch 1; every sentinel says so.
fn shown(agent: &mut Agent) {
    let by = Sentinel::from("sentinel-0");
    let primary = Member {
        node: Node::from("redis-0"),
        incarnation: Incarnation::from("run-0"),
        address: Address::new("redis-0", 6379),
        server: None,
    };
    let nodes = [Node::from("redis-0"), Node::from("redis-1")].into();
    let first = Record::first(nodes, primary, Terms::default(), &by, Decided::default());
    let reign = Reign {
        epoch: 1,
        replid: "history-1".to_owned(),
        start: 0,
        empty: false,
    };
    let record = first.settled(reign, SyncRule::default(), &by, Decided::default());
    let newest = Newest {
        version: record.version,
        voters: 1,
        voters_version: 1,
    };
    for message in [
        FromSentinel::Newest(newest),
        FromSentinel::Record(Box::new(record)),
    ] {
        agent.step(11, AgentInput::Sentinel(by.clone(), message));
    }
}

fn does(out: &[AgentOutput], operation: &Operation) -> bool {
    out.contains(&AgentOutput::Do(operation.clone()))
}

fn follow() -> Operation {
    Operation::Follow(Address::new("redis-0", 6379))
}

#[test]
fn what_matches_the_note_has_its_position() {
    let mut agent = agent(Mutant::None);
    let told = report(&started(&mut agent, 500, 500, 1000));
    assert_eq!(told.doubt, "");
    assert_eq!(told.stored, agent.stored.position);
    assert_eq!(told.noted_keys, Some(1000));
}

/// An agent whose latest note says 1:800, in a file of 800 bytes; the one before is safe from a loss of power.
fn noted_later() -> Agent {
    let before = agent(Mutant::None);
    let at = |offset| Some(Position { epoch: 1, offset });
    let settled = Noted {
        position: at(500),
        ..before.stored.noted.clone().unwrap()
    };
    let latest = Noted {
        keys: 1500,
        position: at(800),
        files: log(800),
        ..settled.clone()
    };
    let stored = Stored {
        position: at(800),
        latest: Some(Box::new(latest)),
        noted: Some(settled),
        ..before.stored
    };
    Agent::new(before.settings, stored)
}

#[test]
fn the_end_that_is_missing_is_not_counted_however_often_it_starts() {
    let mut agent = noted_later();
    for _ in 0..2 {
        agent.step(1, AgentInput::Tick);
        let data = DataAtStart {
            files: log(700),
            noted_tail: Some(500),
            ..DataAtStart::default()
        };
        let out = agent.step(10, AgentInput::Started(info(1300, 700), data));
        let told = report(&out);
        assert_eq!((told.doubt.as_str(), told.shorter), ("", true));
        assert_eq!(told.stored.map(|p| p.offset), Some(500));
        // The note stays, so that the next start misses the end as well.
        agent.step(5_000, AgentInput::Info(info(1300, 750)));
        agent.step(5_010, AgentInput::Rested(log(750)));
        assert_eq!(agent.stored.position.map(|p| p.offset), Some(800));
        agent.step(5_020, AgentInput::Died("killed".to_owned()));
    }
    shown(&mut agent);
    started(&mut agent, 750, 750, 1300);
    agent.step(9_000, AgentInput::Tick);
    agent.step(10_000, AgentInput::Done(follow(), Ok(in_step())));
    assert!(!agent.is_shorter(), "now it has what its primary has");
}

#[test]
fn what_ended_in_order_is_missed_to_the_last_byte() {
    let mut before = agent(Mutant::None);
    started(&mut before, 900, 900, 1000);
    before.step(20, AgentInput::Rested(log(900)));
    let noted = before.stored.noted.as_ref().unwrap();
    assert_eq!((noted.files.clone(), noted.keys), (log(900), 1000));
    assert_eq!(before.stored.latest.as_deref(), Some(noted));
    let mut after = Agent::new(before.settings.clone(), before.stored.clone());
    let told = report(&started(&mut after, 899, 899, 1000));
    assert!(told.doubt.contains("899 bytes"), "{}", told.doubt);
    // A client may have deleted every key after they were counted.
    let mut flushed = Agent::new(before.settings, before.stored);
    let told = report(&started(&mut flushed, 900, 900, 0));
    assert_eq!(told.doubt, "");
}

#[test]
fn a_replica_that_ends_in_order_notes_all_that_it_has() {
    let mut agent = agent(Mutant::None);
    started(&mut agent, 500, 500, 1000);
    shown(&mut agent);
    agent.step(20, AgentInput::Done(follow(), Ok(in_step())));
    let stop = AgentInput::Stop {
        handoff: true,
        within: 1_000,
    };
    assert!(does(&agent.step(30, stop), &Operation::Seal));
    let cut_off = ServerInfo {
        offset: 650,
        link_up: false,
        files: None,
        ..in_step()
    };
    let out = agent.step(40, AgentInput::Done(Operation::Seal, Ok(cut_off)));
    assert!(does(&out, &Operation::Stop));
    agent.step(50, AgentInput::Rested(log(650)));
    assert_eq!(agent.stored.position.map(|p| p.offset), Some(650));
}

#[test]
fn an_agent_ends_only_when_it_has_noted_the_end_of_its_server() {
    let mut agent = agent(Mutant::None);
    started(&mut agent, 500, 500, 1000);
    let stop = AgentInput::Stop {
        handoff: false,
        within: 1_000,
    };
    assert!(does(&agent.step(20, stop), &Operation::Stop));
    agent.step(30, AgentInput::Rested(log(500)));
    let exits = |out: &[AgentOutput]| out.contains(&AgentOutput::Exit);
    let ended = AgentInput::Died("ended with exit code 0".to_owned());
    assert!(!exits(&agent.step(30, ended)));
    assert!(!exits(&agent.step(40, AgentInput::Tick)));
    assert!(exits(&agent.step(50, AgentInput::Stored(1))));
}

#[test]
fn what_was_cut_has_none_and_is_set_aside_before_a_copy_replaces_it() {
    let mut agent = agent(Mutant::None);
    let out = started(&mut agent, 500, 333, 667);
    let told = report(&out);
    assert!(told.doubt.contains("667 keys in memory, 1000 were noted"));
    assert_eq!(told.stored, None);
    let aside = |out: &[AgentOutput]| out.iter().any(|o| matches!(o, AgentOutput::SetAside(_)));
    assert!(aside(&out));
    shown(&mut agent);
    assert!(!does(&agent.step(20, AgentInput::Tick), &follow()));
    // It could not be done: it is tried again, and nobody is followed.
    let failed = AgentInput::SetAside(Err("no room".to_owned()));
    assert!(!does(&agent.step(30, failed), &follow()));
    assert!(!aside(&agent.step(40, AgentInput::Tick)));
    assert!(aside(&agent.step(30 + ASIDE_AGAIN, AgentInput::Tick)));
    let place = AgentInput::SetAside(Ok("set-aside-1".to_owned()));
    assert!(does(&agent.step(20_000, place), &follow()));
    // The note is true of nothing any more, and is not replaced by one of data in doubt.
    assert_eq!(agent.stored.position.map(|p| p.offset), Some(500));
}

#[test]
fn files_that_were_not_compared_yet_have_no_vote() {
    let mut agent = agent(Mutant::None);
    agent.step(1, AgentInput::Tick);
    let data = DataAtStart {
        files: log(500),
        noted_tail: Some(500),
        latest_tail: Some(500),
        ..DataAtStart::default()
    };
    let unseen = ServerInfo {
        files: None,
        ..info(1000, 500)
    };
    let told = report(&agent.step(10, AgentInput::Started(unseen, data)));
    assert!(!told.doubt.is_empty());
    let told = report(&agent.step(1_000, AgentInput::Info(info(1000, 500))));
    assert_eq!((told.doubt.as_str(), told.stored.is_some()), ("", true));
}

fn in_step() -> ServerInfo {
    ServerInfo {
        replid: "history-1".to_owned(),
        offset: 600,
        keys_at: 600,
        link_up: true,
        ..info(1000, 600)
    }
}

/// It follows, was in step, and then its memory is emptied by a copy that does not come.
fn lose_all(agent: &mut Agent) -> Vec<AgentOutput> {
    let in_step = in_step();
    agent.step(20, AgentInput::Done(follow(), Ok(in_step.clone())));
    assert!(agent.caught_up);
    let lost = ServerInfo {
        keys: 0,
        keys_at: 1,
        offset: 1,
        link_up: false,
        syncing: true,
        log_off: true,
        ..in_step
    };
    agent.step(2_000, AgentInput::Info(lost))
}

#[test]
fn one_that_a_copy_emptied_reads_its_files_again_and_follows_later() {
    let mut agent = agent(Mutant::None);
    started(&mut agent, 500, 500, 1000);
    shown(&mut agent);
    let out = lose_all(&mut agent);
    let told = report(&out);
    assert!(told.doubt.contains("0 keys in memory"), "{}", told.doubt);
    assert!(!told.caught_up && told.stored.is_none());
    assert!(does(&out, &Operation::Kill));
    // The note is as true of the files as before.
    agent.step(2_001, AgentInput::Died("killed".to_owned()));
    let told = report(&started(&mut agent, 600, 600, 1000));
    assert_eq!(told.stored.map(|p| p.epoch), Some(1));
    assert!(told.stuck, "{}", told.reason);
    assert!(!does(&agent.step(2_990, AgentInput::Tick), &follow()));
    assert!(does(&agent.step(3_010, AgentInput::Tick), &follow()));
}

#[test]
fn half_a_copy_is_missed_though_no_look_saw_it_load() {
    let mut agent = agent(Mutant::None);
    started(&mut agent, 500, 500, 1000);
    shown(&mut agent);
    agent.step(20, AgentInput::Done(follow(), Ok(in_step())));
    let half = ServerInfo {
        keys: 700,
        link_up: false,
        ..in_step()
    };
    let told = report(&agent.step(2_000, AgentInput::Info(half)));
    assert!(told.doubt.contains("700 keys in memory"), "{}", told.doubt);
}

#[test]
fn a_flush_that_came_by_the_stream_is_no_failed_copy() {
    let mut agent = agent(Mutant::None);
    started(&mut agent, 500, 500, 1000);
    let flushed = ServerInfo {
        keys: 0,
        keys_at: 30,
        offset: 30,
        ..info(0, 540)
    };
    let told = report(&agent.step(1_000, AgentInput::Info(flushed)));
    assert_eq!(told.doubt, "");
}

#[test]
fn only_what_no_loss_of_power_takes_is_noted() {
    let mut agent = agent(Mutant::None);
    started(&mut agent, 500, 500, 1000);
    let noted = |agent: &Agent| agent.stored.noted.as_ref().map(|n| n.files.log[0].bytes);
    for (now, bytes, says) in [
        (1_000, 600, 500),
        (2_000, 700, 500),
        (2_010, 710, 500),
        (4_100, 900, 710),
    ] {
        agent.step(now, AgentInput::Info(info(1000, bytes)));
        agent.step(now + 900, AgentInput::Tick);
        assert_eq!(noted(&agent), Some(says), "at {now}");
    }
}

#[test]
fn a_server_that_must_not_be_started_is_told_of_once_and_looked_at_again() {
    let mut agent = agent(Mutant::None);
    assert!(does(&agent.step(1, AgentInput::Tick), &Operation::Start));
    let why = "appendonlydir has no manifest".to_owned();
    let out = agent.step(2, AgentInput::Refused(why.clone()));
    let told = report(&out);
    assert_eq!(
        (told.state, told.doubt.as_str()),
        (ServerState::Down, why.as_str())
    );
    let decided = |out: &[AgentOutput]| out.iter().any(|o| matches!(o, AgentOutput::Decide(_)));
    assert!(decided(&out));
    assert!(does(
        &agent.step(2 + LOOK_AGAIN, AgentInput::Tick),
        &Operation::Start
    ));
    assert!(!decided(&agent.step(2_100, AgentInput::Refused(why))));
}

#[test]
fn the_planted_bug_believes_what_it_remembers() {
    let mut agent = agent(Mutant::BelieveARememberedPosition);
    started(&mut agent, 500, 500, 1000);
    shown(&mut agent);
    let told = report(&lose_all(&mut agent));
    assert_eq!(told.doubt, "");
    assert!(told.caught_up && told.stored.is_some());
}

/// A member that remembers this, and nothing else of its data.
fn member(latest: Option<Noted>, noted: Option<Noted>) -> Agent {
    let mut agent = agent(Mutant::None);
    agent.stored.position = noted.as_ref().and_then(|note| note.position);
    agent.stored.latest = latest.map(Box::new);
    agent.stored.noted = noted;
    agent
}

fn keeps(out: &[AgentOutput]) -> bool {
    out.iter().any(|o| matches!(o, AgentOutput::SetAside(_)))
}

#[test]
fn a_members_data_of_which_nothing_was_noted_have_no_vote_and_are_kept() {
    let out = started(&mut member(None, None), 5, 5, 5);
    assert!(report(&out).doubt.contains("nothing was ever noted"));
    assert!(keeps(&out));
    let out = started(&mut member(None, None), 5, 5, 0);
    assert_eq!(report(&out).doubt, "", "a member that never had a key");
    assert!(!keeps(&out));
}

#[test]
fn an_end_that_is_missing_counts_only_where_the_settled_note_recognizes_the_rest() {
    let note = |bytes: u64| Noted {
        keys: 1000,
        files: log(bytes),
        position: Some(Position {
            epoch: 1,
            offset: bytes,
        }),
        ..Noted::default()
    };
    let reaches = |settled: Option<Noted>| {
        let mut agent = member(Some(note(500)), settled);
        let kept = keeps(&started(&mut agent, 333, 333, 667));
        (agent.doubts.reaches.map(|p| p.offset), kept)
    };
    assert_eq!(reaches(Some(note(300))), (Some(300), false));
    assert_eq!(reaches(Some(note(0))), (None, true));
    assert_eq!(reaches(None), (None, true));
}

#[test]
fn an_agent_that_is_to_end_waits_for_no_server_that_has_not_answered() {
    let mut agent = agent(Mutant::None);
    assert!(does(&agent.step(1, AgentInput::Tick), &Operation::Start));
    let stop = AgentInput::Stop {
        handoff: false,
        within: 5_000,
    };
    assert!(does(&agent.step(2, stop), &Operation::Stop));
    assert!(!does(&agent.step(3, AgentInput::Tick), &Operation::Stop));
    let out = agent.step(4, AgentInput::Died("ended".to_owned()));
    assert!(out.contains(&AgentOutput::Exit));
}

#[test]
fn a_glance_counts_no_keys() {
    let mut agent = agent(Mutant::None);
    started(&mut agent, 500, 500, 1000);
    shown(&mut agent);
    let sealed = ServerInfo {
        keys: 1200,
        offset: 700,
        keys_at: 700,
        ..in_step()
    };
    agent.step(20, AgentInput::Done(follow(), Ok(sealed)));
    let glance = ServerInfo {
        offset: 700,
        replid: "history-1".to_owned(),
        ..ServerInfo::default()
    };
    agent.step(40, AgentInput::Glance(glance));
    assert_eq!((agent.info.keys, agent.info.link_up), (1200, false));
    assert_eq!((agent.doubt(), agent.caught_up), (None, true));
}

#[test]
fn a_copy_that_was_completed_counts_though_no_look_saw_its_link() {
    let ended = |offset: u64| {
        let mut agent = agent(Mutant::None);
        started(&mut agent, 500, 500, 1000);
        shown(&mut agent);
        let loading = ServerInfo {
            loading: true,
            ..info(0, 500)
        };
        agent.step(20, AgentInput::Done(follow(), Ok(loading)));
        let loaded = ServerInfo {
            replid: "history-1".to_owned(),
            offset,
            keys_at: offset,
            ..info(1100, 540)
        };
        let told = report(&agent.step(40, AgentInput::Info(loaded)));
        (told.caught_up, told.doubt.is_empty())
    };
    assert_eq!(ended(900), (true, true));
    assert_eq!(ended(1), (false, false), "it has forgotten where it was");
}

#[test]
fn nothing_is_set_aside_of_a_data_set_without_a_key() {
    let kept = |keyless: bool| {
        let mut agent = agent(Mutant::None);
        agent.step(1, AgentInput::Tick);
        let data = DataAtStart {
            files: log(0),
            keyless,
            ..DataAtStart::default()
        };
        let out = agent.step(10, AgentInput::Started(info(0, 0), data));
        assert!(!report(&out).doubt.is_empty());
        keeps(&out)
    };
    assert_eq!([kept(false), kept(true)], [true, false]);
}

#[test]
fn a_copy_that_failed_between_two_looks_is_seen_after_more_of_the_stream_too() {
    let mut agent = agent(Mutant::None);
    started(&mut agent, 500, 500, 1000);
    agent.step(20, AgentInput::Info(in_step()));
    let emptied = ServerInfo {
        keys: 0,
        keys_at: 700,
        offset: 700,
        link_up: false,
        ..in_step()
    };
    let mut flushed = agent.clone();
    let told = report(&flushed.step(40, AgentInput::Info(emptied.clone())));
    assert_eq!(told.doubt, "", "its primary was flushed");
    let failed = "Can't handle RDB format version 13".to_owned();
    agent.step(40, AgentInput::CopyFailed(failed));
    let told = report(&agent.step(40, AgentInput::Info(emptied)));
    assert!(
        told.doubt.contains("a copy of the primary failed"),
        "{}",
        told.doubt
    );
}
