//! Runs of the whole world: the same seed is the same run, and many seeds break no rule.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use holdfast_core::record::Durability;
use holdfast_sim::{Config, Summary, explore, run};
use std::ops::Range;

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..20 {
        let (first, second) = (run(seed, &Config::default()), run(seed, &Config::default()));
        assert_eq!(first.trace_hash, second.trace_hash, "seed {seed}");
        assert_eq!(first.events, second.events, "seed {seed}");
        assert_eq!(first.counters, second.counters, "seed {seed}");
    }
}

#[test]
fn the_trace_changes_nothing() {
    let traced = run(
        3,
        &Config {
            trace: true,
            ..Config::default()
        },
    );
    assert_eq!(traced.trace_hash, run(3, &Config::default()).trace_hash);
    assert!(!traced.trace.is_empty());
}

#[test]
fn another_seed_is_another_run() {
    assert_ne!(
        run(1, &Config::default()).trace_hash,
        run(2, &Config::default()).trace_hash
    );
}

/// `SEEDS=5000 FROM=0 cargo test --release -p holdfast-sim --test seeds` for more.
#[test]
fn no_seed_breaks_a_rule() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let (from, seeds) = (number("FROM", 0), number("SEEDS", 150));
    let summary = unbroken(from..from + seeds, &Config::default());
    if seeds >= 1000 {
        assert_eq!(
            summary.never(),
            Vec::<&str>::new(),
            "branches that no run has reached"
        );
    }
}

/// Each showed a fault of the core or of the simulator once.
#[test]
fn seeds_that_broke_a_rule_once() {
    let seeds = [
        776, 1_796, 10_059_907, 10_065_139, 10_088_302, 12_012_091, 20_017_146, 20_027_266,
        31_023_288, 40_021_932, 31_008_107, 40_001_503, 70_051_856, 70_240_621, 70_668_124,
        70_005_419, 70_041_419, 70_087_049, 70_098_559, 70_123_730, 70_166_714, 70_181_631,
        70_230_831, 70_249_367, 70_272_229, 70_321_219, 70_405_773, 70_425_080, 70_426_115,
        70_459_863, 70_522_631, 70_523_232, 70_537_686, 70_573_651, 70_592_240, 70_659_730,
        70_671_785, 70_733_878, 70_794_881, 70_824_939, 70_837_224, 70_853_611, 90_059_960,
        90_395_134, 90_555_209, 19, 367, 737, 928, 1_217, 1_474, 2_037, 2_373, 2_479, 3_215, 4_811,
        5_080, 5_935, 6_050, 7_937, 9_633, 16_016, 17_456, 17_810, 19_831,
    ];
    for seed in seeds {
        unbroken(seed..seed + 1, &Config::default());
    }
}

/// Every run loses the power of everything at least twice.
#[test]
fn no_seed_of_fsync_breaks_a_rule() {
    let durability = Some(Durability::Fsync);
    let config = Config {
        durability,
        ..Config::default()
    };
    let summary = unbroken(0..20, &config);
    assert!(summary.reached.contains_key("power loss of all nodes"));
}

fn unbroken(seeds: Range<u64>, config: &Config) -> Summary {
    let summary = explore(seeds, 2, config, |_| true);
    let failures: Vec<String> = summary
        .failures
        .iter()
        .map(|failure| {
            let violation = &failure.violations[0];
            format!(
                "seed {}: {}: {}\n  replay: cargo run --release -p holdfast-sim --example sim -- --seed {} --trace{}",
                failure.seed, violation.invariant, violation.text, failure.seed,
                config.durability.map_or_else(String::new, |word| format!(" --durability {word}"))
            )
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} runs failed\n{}",
        summary.failed,
        summary.runs,
        failures.join("\n")
    );
    summary
}
