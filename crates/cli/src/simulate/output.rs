//! What came of the runs, as text or JSON.

use super::{SimArgs, mutant_name};
use holdfast_sim::{FaultKind, Mutant, RunReport, Summary};
use serde_json::json;
use std::fmt::Write as _;

/// Lines of a replayed run that are printed; a run has up to some hundred thousand.
const TRACE_LINES: usize = 400;

/// One replayed run: the end of its trace, and the verdict.
pub(super) fn run(report: &RunReport, args: &SimArgs) -> String {
    if args.json {
        return one(report, args).to_string();
    }
    let first = report.trace.len().saturating_sub(TRACE_LINES);
    let mut text = report.trace[first..].join("\n");
    let seconds = report.simulated_us as f64 / 1e6;
    let _ = write!(
        text,
        "\nseed {}: {} events in {seconds:.1} simulated seconds, trace {:016x}",
        report.seed, report.events, report.trace_hash
    );
    match report.violations.first() {
        None => text.push_str(", every rule held"),
        Some(violation) => {
            let _ = write!(
                text,
                "\nbroken: {} at {} µs: {}",
                violation.invariant, violation.at_us, violation.text
            );
        }
    }
    text
}

/// Many runs.
pub(super) fn summary(summary: &Summary, args: &SimArgs) -> String {
    if args.json {
        let failures: Vec<_> = summary
            .failures
            .iter()
            .map(|report| one(report, args))
            .collect();
        let broken: serde_json::Map<_, _> = summary
            .broken
            .iter()
            .map(|(name, (runs, seed))| {
                (
                    (*name).to_owned(),
                    json!({"runs": runs, "smallest_seed": seed}),
                )
            })
            .collect();
        return json!({
            "runs": summary.runs, "failed": summary.failed, "events": summary.events, "simulated_us": summary.simulated_us,
            "broken": broken, "failures": failures, "reached": summary.reached, "never": summary.never(),
        })
        .to_string();
    }
    let mut text = format!(
        "{} seeds, {} events, {:.1} simulated hours: {} failed",
        summary.runs,
        summary.events,
        summary.simulated_us as f64 / 3.6e9,
        summary.failed
    );
    for report in &summary.failures {
        let Some(violation) = report.violations.first() else {
            continue;
        };
        let _ = write!(
            text,
            "\nseed {}: {}: {}\n  replay: {}",
            report.seed,
            violation.invariant,
            violation.text,
            replay(report.seed, args)
        );
    }
    if !summary.never().is_empty() {
        let _ = write!(text, "\nnever reached: {}", summary.never().join(", "));
    }
    text
}

fn one(report: &RunReport, args: &SimArgs) -> serde_json::Value {
    let violations: Vec<_> = report
        .violations
        .iter()
        .map(|v| json!({"invariant": v.invariant, "at_us": v.at_us, "text": v.text}))
        .collect();
    json!({
        "seed": report.seed, "trace_hash": format!("{:016x}", report.trace_hash), "events": report.events,
        "simulated_us": report.simulated_us, "violations": violations, "replay": replay(report.seed, args),
    })
}

/// The one command that shows a run again.
fn replay(seed: u64, args: &SimArgs) -> String {
    let mut command = format!("holdfast sim --seed {seed}");
    for (flag, count) in [("nodes", args.nodes), ("sentinels", args.sentinels)] {
        if count > 0 {
            let _ = write!(command, " --{flag} {count}");
        }
    }
    if let Some(durability) = args.durability {
        let _ = write!(command, " --durability {durability}");
    }
    if let Some(faults) = &args.faults {
        let _ = write!(command, " --faults {}", FaultKind::names(faults));
    }
    if args.mutant != Mutant::None {
        let _ = write!(command, " --mutant {}", mutant_name(args.mutant));
    }
    command
}
