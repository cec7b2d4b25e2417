//! The model Redis against real servers: the same script on both, the same observable facts.
//!
//! Each step is applied to three model servers and three real ones; after each the facts must become
//! equal within a few seconds: roles, links, names of histories (by order of appearance), the order of
//! the offsets, keys, counts of full and partial resyncs, and the errors of refused commands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "conformance/facts.rs"]
mod facts;
#[path = "conformance/real.rs"]
mod real;
#[path = "conformance/script.rs"]
mod script;
#[path = "conformance/toy.rs"]
mod toy;

use holdfast_sim::model::Persistence;
use script::Step;
use std::process::{Command, Stdio};

fn installed(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// Real servers to compare with: the one that `HOLDFAST_TEST_SERVER` names, or those in `PATH`, of which redis-server must be
/// there.
fn programs() -> Vec<&'static str> {
    if let Ok(named) = std::env::var("HOLDFAST_TEST_SERVER") {
        assert!(installed(&named), "{named} cannot be run");
        return vec![named.leak()];
    }
    assert!(installed("redis-server"), "redis-server is not installed");
    ["redis-server", "valkey-server"]
        .into_iter()
        .filter(|program| installed(program))
        .collect()
}

/// 7.2 or later. Both programs print `v=7.0.15` or the like.
fn is_newer(program: &str) -> bool {
    let said = Command::new(program).arg("--version").output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = said.split("v=").nth(1).unwrap_or("0.0");
    let mut numbers = version
        .split(['.', ' '])
        .map(|part| part.parse::<u64>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(7), Some(2))
}

fn compare(steps: &[Step], persistence: Persistence) {
    for program in programs() {
        let mut toy = toy::Toy::start(persistence, is_newer(program));
        let mut real = real::Real::start(program, persistence);
        for (number, step) in steps.iter().enumerate() {
            let expected = toy.apply(*step);
            let got = real.apply(*step);
            assert_eq!(
                got, expected,
                "{program}: answer to step {number} {step:?} of {steps:?}"
            );
            let expected = toy.facts();
            let got = real.facts_like(&expected);
            assert_eq!(
                got, expected,
                "{program}: facts after step {number} {step:?} of {steps:?}"
            );
        }
    }
}

#[test]
fn a_failover_with_a_divergent_old_primary() {
    compare(&script::failover(), Persistence::Nothing);
}

#[test]
fn fences_pauses_and_seals() {
    compare(&script::fences(), Persistence::Nothing);
}

#[test]
fn a_server_that_keeps_its_copies_wipes_nobody() {
    compare(&script::copies(), Persistence::Nothing);
}

#[test]
fn a_dump_brings_its_position_back() {
    compare(&script::restarts(), Persistence::Dump);
}

#[test]
fn an_append_only_file_does_not() {
    compare(&script::restarts(), Persistence::AppendEverySecond);
}

#[test]
fn a_copy_that_fails_leaves_what_it_leaves() {
    compare(&script::failed_copies(), Persistence::AppendEverySecond);
}

#[test]
fn files_that_were_damaged_are_read_as_far_as_they_are_named() {
    compare(&script::damaged_files(), Persistence::AppendEverySecond);
}

#[test]
fn a_script_that_never_ends_answers_busy() {
    compare(&script::scripts(), Persistence::Nothing);
}

#[test]
fn random_scripts() {
    let seed = std::env::var("CONFORMANCE_SEED").map_or(1, |text| text.parse().unwrap());
    compare(&script::random(seed, 30), Persistence::Nothing);
    compare(
        &script::random(seed + 1000, 20),
        Persistence::AppendEverySecond,
    );
}
