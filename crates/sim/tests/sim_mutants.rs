//! Planted bugs are found: else the simulator proves nothing.
//!
//! `make sim-mutants` looks for all of them and prints a table; so does
//! `cargo test --release -p holdfast-sim --test sim_mutants -- --include-ignored --nocapture`, which takes minutes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use holdfast_sim::{Config, Mutant, mutants};
use std::time::Instant;

/// Within how many seeds each bug must be found.
const SEEDS: u64 = 10_000;

fn must_be_found(mutant: Mutant, seeds: u64) {
    let config = Config {
        mutant,
        ..Config::default()
    };
    let began = Instant::now();
    let found = mutants::find(&config, 0..seeds, 2);
    let found = found.unwrap_or_else(|| panic!("{mutant:?} is not found within {seeds} seeds"));
    println!(
        "{:<24} {:<24} {:>6} seeds {:>7.1} s",
        format!("{mutant:?}"),
        found.invariant,
        found.seeds,
        began.elapsed().as_secs_f64()
    );
}

#[test]
fn quick_ones() {
    let quick = [
        Mutant::SkipLeaseWait,
        Mutant::AgentIgnoresLease,
        Mutant::CountGrants,
        Mutant::ForgetPromise,
        Mutant::CompareOffsetsOnly,
        Mutant::PromoteEmpty,
        Mutant::CountAForgedAcknowledgement,
    ];
    for mutant in quick {
        must_be_found(mutant, 1_000);
    }
}

#[test]
#[ignore = "minutes: run with --release"]
fn all_that_the_world_can_show() {
    for mutant in mutants::findable() {
        must_be_found(mutant, SEEDS);
    }
}

/// Every bug has a rule that it must break.
#[test]
fn none_is_left_out() {
    assert_eq!(mutants::findable().count(), Mutant::ALL.len());
}
