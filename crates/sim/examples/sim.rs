//! Runs seeds of the simulator: `sim [--seeds N] [--from S] [--jobs J] [--mutant NAME] [--durability D] [--faults KINDS]`, or one seed with
//! `--seed S [--trace]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use holdfast_sim::{Config, FaultKind, Mutant, explore, run};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        args.iter()
            .position(|arg| arg == name)
            .and_then(|at| args.get(at + 1))
    };
    let number = |name: &str, default: u64| {
        value(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let mutant = value("--mutant").map_or(Mutant::None, |name| {
        serde_json::from_value(name.as_str().into()).expect("a mutant")
    });
    let durability = value("--durability")
        .map(|name| serde_json::from_value(name.as_str().into()).expect("async or quorum"));
    let faults = value("--faults").map(|names| FaultKind::list(names).expect("kinds of faults"));
    let config = Config {
        mutant,
        durability,
        faults,
        trace: args.iter().any(|arg| arg == "--trace"),
        ..Config::default()
    };
    if args.iter().any(|arg| arg == "--seed") {
        let report = run(number("--seed", 0), &config);
        report.trace.iter().for_each(|line| println!("{line}"));
        println!("{:#?}", report.counters);
        println!(
            "events {} simulated {} s hash {:016x}",
            report.events,
            report.simulated_us / 1_000_000,
            report.trace_hash
        );
        println!("{:#?}", report.violations);
        std::process::exit(i32::from(!report.is_good()));
    }
    if args.iter().any(|arg| arg == "--mutants") {
        for mutant in holdfast_sim::mutants::findable() {
            let began = std::time::Instant::now();
            let config = Config {
                mutant,
                ..config.clone()
            };
            let (seeds, jobs) = (number("--seeds", 10_000), number("--jobs", 2) as usize);
            let found = holdfast_sim::mutants::find(&config, 0..seeds, jobs);
            let found = found.map_or_else(
                || "NOT FOUND".to_owned(),
                |found| format!("{} after {} seeds", found.invariant, found.seeds),
            );
            println!(
                "{mutant:?}: {found} ({:.1} s)",
                began.elapsed().as_secs_f64()
            );
        }
        return;
    }
    let (from, seeds, jobs) = (
        number("--from", 0),
        number("--seeds", 200),
        number("--jobs", 2),
    );
    let began = std::time::Instant::now();
    let fail_fast = args.iter().any(|arg| arg == "--first");
    let summary = explore(from..from + seeds, jobs as usize, &config, |p| {
        !(fail_fast && p.failed > 0)
    });
    for (name, runs) in &summary.reached {
        println!("{:>8} in {runs:>6} runs  {name}", summary.counters[name]);
    }
    println!("never: {:?}", summary.never());
    for failure in &summary.failures {
        println!(
            "seed {}: {} at {} us: {}",
            failure.seed,
            failure.violations[0].invariant,
            failure.violations[0].at_us,
            failure.violations[0].text
        );
        println!("  replay: holdfast sim --seed {}", failure.seed);
    }
    for (invariant, (runs, first)) in &summary.broken {
        println!("{runs:>8} runs break {invariant}, first seed {first}");
    }
    println!(
        "{} runs, {} failed, {} events, {} simulated s, hash {:016x}, {:.1} s",
        summary.runs,
        summary.failed,
        summary.events,
        summary.simulated_us / 1_000_000,
        summary.trace_hash,
        began.elapsed().as_secs_f64()
    );
    std::process::exit(i32::from(summary.failed > 0));
}
