//! Planted bugs are found: else the simulator proves nothing.
//!
//! `cargo test --release -p holdfast-sim --test sim_mutants -- --include-ignored` looks for all of them in up
//! to 10,000 seeds each, which takes minutes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use holdfast_sim::{Mutant, mutants};

fn must_be_found(mutant: Mutant, seeds: u64) {
    let found = mutants::find(mutant, seeds, 2);
    assert!(
        found.is_some(),
        "{mutant:?} is not found within {seeds} seeds"
    );
}

#[test]
fn quick_ones() {
    must_be_found(Mutant::SkipLeaseWait, 1_000);
    must_be_found(Mutant::PromoteEmpty, 1_000);
}

#[test]
#[ignore = "minutes: run with --release"]
fn all_that_the_world_can_show() {
    for mutant in mutants::findable() {
        must_be_found(mutant, 10_000);
    }
}
