//! Plants each known bug and sees that the simulator finds it: or it proves nothing.

use super::{SimArgs, json, mutant_name};
use crate::exit::{Exit, Outcome};
use crate::paint::{Paint, Tone};
use crate::table::Table;
use holdfast_sim::{Config, Mutant, Summary, explore};
use serde_json::json;

/// Within how many seeds each bug must be found.
pub(super) const SEEDS: u64 = 10_000;

pub(super) fn run(args: &SimArgs, seeds: u64) -> Outcome {
    let mut found = Vec::new();
    for mutant in Mutant::ALL {
        let summary = hunt(args, mutant, seeds);
        eprintln!(
            "{}: {}",
            mutant_name(mutant),
            if summary.failed > 0 {
                "found"
            } else {
                "not found"
            }
        );
        found.push((mutant, summary));
    }
    println!(
        "{}",
        if args.json {
            json(&as_json(&found))?
        } else {
            table(&found).lines(Paint::stdout()).join("\n")
        }
    );
    let missed = found.iter().any(|(_, summary)| summary.failed == 0);
    Ok(if missed { Exit::Failed } else { Exit::Ok })
}

/// Runs until the bug shows.
fn hunt(args: &SimArgs, mutant: Mutant, seeds: u64) -> Summary {
    let config = Config {
        mutant,
        ..args.config()
    };
    let range = args.from..args.from.saturating_add(seeds);
    explore(range, args.jobs(), &config, |progress| progress.failed == 0)
}

fn table(found: &[(Mutant, Summary)]) -> Table {
    let mut table = Table::new(&["PLANTED BUG", "FOUND", "RUNS", "SEED", "RULE THAT BROKE"]);
    for (mutant, summary) in found {
        let first = summary.failures.first();
        let rule = first
            .and_then(|report| report.violations.first())
            .map_or("-", |violation| violation.invariant);
        let (word, tone) = if first.is_some() {
            ("yes", Tone::Good)
        } else {
            ("no", Tone::Bad)
        };
        table.row(vec![
            (mutant_name(*mutant), Tone::Plain),
            (word.to_owned(), tone),
            (summary.runs.to_string(), Tone::Plain),
            (
                first.map_or_else(|| "-".to_owned(), |report| report.seed.to_string()),
                Tone::Plain,
            ),
            (rule.to_owned(), Tone::Plain),
        ]);
    }
    table
}

fn as_json(found: &[(Mutant, Summary)]) -> serde_json::Value {
    let one = |(mutant, summary): &(Mutant, Summary)| {
        let first = summary.failures.first();
        let rule = first
            .and_then(|report| report.violations.first())
            .map(|violation| violation.invariant);
        json!({"mutant": mutant_name(*mutant), "found": first.is_some(), "runs": summary.runs, "seed": first.map(|report| report.seed), "invariant": rule})
    };
    found.iter().map(one).collect()
}
