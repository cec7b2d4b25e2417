//! Plants each known bug and sees that the simulator finds it: or it proves nothing.

use super::{SimArgs, json, mutant_name};
use crate::exit::{Exit, Outcome};
use crate::out::print;
use crate::paint::{Paint, Tone};
use crate::table::Table;
use holdfast_sim::mutants::{self, Found};
use holdfast_sim::{Config, Mutant};
use serde_json::json;
use std::time::Instant;

/// Within how many seeds each bug must be found.
pub(super) const SEEDS: u64 = 10_000;

/// What came of the search for one bug.
struct Hunted {
    mutant: Mutant,
    found: Option<Found>,
    seconds: f64,
}

impl Hunted {
    /// What no run can show is left to the model of the election.
    fn is_left(&self) -> bool {
        mutants::breaks(self.mutant).is_empty()
    }
}

pub(super) fn run(args: &SimArgs, seeds: u64) -> Outcome {
    let mut all = Vec::new();
    for mutant in Mutant::ALL {
        let hunted = hunt(args, mutant, seeds);
        eprintln!("{}: {}", mutant_name(mutant), word(&hunted).0);
        all.push(hunted);
    }
    print(if args.json {
        json(&as_json(&all))?
    } else {
        table(&all).lines(Paint::stdout()).join("\n")
    })?;
    let missed = all
        .iter()
        .any(|hunted| hunted.found.is_none() && !hunted.is_left());
    Ok(if missed { Exit::Failed } else { Exit::Ok })
}

/// Runs until the bug shows.
fn hunt(args: &SimArgs, mutant: Mutant, seeds: u64) -> Hunted {
    let began = Instant::now();
    let config = Config {
        mutant,
        ..args.config()
    };
    let range = args.from..args.from.saturating_add(seeds);
    let shows = !mutants::breaks(mutant).is_empty();
    let found = shows.then(|| mutants::find(&config, range, args.jobs()));
    Hunted {
        mutant,
        found: found.flatten(),
        seconds: began.elapsed().as_secs_f64(),
    }
}

fn word(hunted: &Hunted) -> (&'static str, Tone) {
    match &hunted.found {
        Some(_) => ("found", Tone::Good),
        None if hunted.is_left() => ("left to the model of the election", Tone::Plain),
        None => ("not found", Tone::Bad),
    }
}

fn table(all: &[Hunted]) -> Table {
    let mut table = Table::new(&[
        "PLANTED BUG",
        "RESULT",
        "RULE THAT BROKE",
        "SEEDS",
        "SECONDS",
    ]);
    for hunted in all {
        let (result, tone) = word(hunted);
        let found = hunted.found.as_ref();
        let shown = |text: Option<String>| (text.unwrap_or_else(|| "-".to_owned()), Tone::Plain);
        table.row(vec![
            (mutant_name(hunted.mutant), Tone::Plain),
            (result.to_owned(), tone),
            shown(found.map(|found| found.invariant.to_owned())),
            shown(found.map(|found| found.seeds.to_string())),
            shown(Some(format!("{:.1}", hunted.seconds))),
        ]);
    }
    table
}

fn as_json(all: &[Hunted]) -> serde_json::Value {
    let one = |hunted: &Hunted| {
        let found = hunted.found.as_ref();
        json!({
            "mutant": mutant_name(hunted.mutant), "result": word(hunted).0, "found": found.is_some(),
            "invariant": found.map(|found| found.invariant), "seeds": found.map(|found| found.seeds),
            "seed": found.map(|found| found.report.seed), "seconds": hunted.seconds,
        })
    };
    all.iter().map(one).collect()
}
