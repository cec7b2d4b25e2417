//! Runs of the whole world: the same seed is the same run, and many seeds break no rule.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use holdfast_sim::{Config, explore, run};

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
    let summary = explore(from..from + seeds, 2, &Config::default(), |_| true);
    let failures: Vec<String> = summary
        .failures
        .iter()
        .map(|failure| {
            let violation = &failure.violations[0];
            format!(
                "seed {}: {}: {}\n  replay: cargo run --release -p holdfast-sim --example sim -- --seed {} --trace",
                failure.seed, violation.invariant, violation.text, failure.seed
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
    if seeds >= 1000 {
        assert_eq!(
            summary.never(),
            Vec::<&str>::new(),
            "branches that no run has reached"
        );
    }
}
