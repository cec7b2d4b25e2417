#![allow(clippy::unwrap_used)]
use super::super::picture::{rendered, sample, text};
use super::super::state::State;
use holdfast_cluster::Manifest;

fn drawn(state: &State, width: u16, height: u16) -> String {
    text(&rendered(state, width, height))
}

#[test]
fn before_any_sentinel_answers_it_says_how_to_connect() {
    let manifest = Manifest {
        group: "mymaster".into(),
        ..sample().manifest
    };
    let state = State::new(
        manifest,
        "redis 7.0.15".into(),
        "/home/me/holdfast-data".into(),
    );
    let picture = drawn(&state, 100, 24);
    assert!(
        picture.contains("no sentinel has answered yet"),
        "{picture}"
    );
    assert!(
        picture.contains("127.0.0.1:26379 127.0.0.1:26380"),
        "{picture}"
    );
    assert!(picture.contains("/home/me/holdfast-data"), "{picture}");
}

#[test]
fn trouble_and_frozen_processes_stand_out() {
    let mut state = sample();
    state.select_previous();
    state.set_frozen(true);
    state.manifest.nodes[3].agent_pid = None;
    state.status.as_mut().unwrap().trouble = Some("only 2 of 3 sentinels answer".into());
    let picture = drawn(&state, 112, 30);
    for sign in ["only 2 of 3 sentinels answer", "frozen", "agent down"] {
        assert!(picture.contains(sign), "{sign}: {picture}");
    }
}

#[test]
fn a_process_that_was_started_anew_is_not_frozen() {
    let mut state = sample();
    state.set_frozen(true);
    assert!(drawn(&state, 112, 30).contains("frozen"));
    state.manifest.nodes[0].server_pid = Some(7);
    assert!(!drawn(&state, 112, 30).contains("frozen"));
}

#[test]
fn a_small_terminal_is_no_reason_to_panic() {
    for (width, height) in [(1, 1), (20, 5), (80, 24), (300, 100)] {
        drawn(&sample(), width, height);
    }
}

#[test]
fn the_keys_are_always_in_sight_on_a_usual_terminal() {
    assert!(
        drawn(&sample(), 100, 24)
            .lines()
            .last()
            .unwrap()
            .contains("h handoff")
    );
}
