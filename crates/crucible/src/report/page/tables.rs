//! The tables of the page.

use crate::clock::{Micros, millis};
use crate::ordeal::series::Gap;
use crate::ordeal::strike::Struck;
use crate::ordeal::{Blow, Lap, OrdealReport};
use crate::report::page::{escape, grouped};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Gaps shown.
const MOST_GAPS: usize = 12;
/// A blow may have caused a gap that began so much later.
const AFTERMATH: Micros = 2_000_000;
/// Laps shown without asking.
const MOST_LAPS: usize = 30;

/// A table with these titles; those of columns of numbers are marked.
pub(super) fn table(titles: &[(&str, bool)], rows: &str) -> String {
    let mut head = String::new();
    for (title, number) in titles {
        let class = if *number { " class=\"n\"" } else { "" };
        let _ = write!(head, "<th{class}>{title}</th>");
    }
    format!("<div class=\"scroll\"><table><tr>{head}</tr>\n{rows}</table></div>\n")
}

/// The longest gaps, and what had just struck.
pub(super) fn gaps(report: &OrdealReport) -> String {
    let mut gaps: Vec<(&Lap, &Gap)> = report
        .laps
        .iter()
        .flat_map(|lap| lap.gaps.iter().map(move |gap| (lap, gap)))
        .collect();
    gaps.sort_by_key(|(_, gap)| std::cmp::Reverse(gap.length));
    let mut rows = String::new();
    for (lap, gap) in gaps.into_iter().take(MOST_GAPS) {
        let causes: Vec<String> = lap
            .struck
            .iter()
            .filter(|struck| may_cause(struck, gap))
            .map(describe)
            .collect();
        let _ = writeln!(
            rows,
            "<tr><td class=\"n\">{:.0} ms</td><td class=\"n\">{}</td><td class=\"n\">{:.1} s</td><td>{}</td></tr>",
            millis(gap.length),
            lap.number,
            millis(gap.at - report.begin()) / 1000.0,
            escape(&causes.join(", "))
        );
    }
    if rows.is_empty() {
        return "<p class=\"soft\">None of 100 ms or more.</p>\n".to_owned();
    }
    table(
        &[
            ("length", true),
            ("lap", true),
            ("at", true),
            ("blows around it", false),
        ],
        &rows,
    )
}

fn may_cause(struck: &Struck, gap: &Gap) -> bool {
    struck.missed.is_none() && struck.at < gap.at + gap.length && struck.until + AFTERMATH > gap.at
}

fn describe(struck: &Struck) -> String {
    format!("{} ({})", struck.blow.name(), struck.whom)
}

/// How often each kind struck.
pub(super) fn blows(report: &OrdealReport) -> String {
    let mut kinds: BTreeMap<Blow, (u64, u64)> = BTreeMap::new();
    for struck in report.laps.iter().flat_map(|lap| &lap.struck) {
        let (hits, misses) = kinds.entry(struck.blow).or_default();
        *if struck.missed.is_some() {
            misses
        } else {
            hits
        } += 1;
    }
    let row = |(blow, (hits, misses)): (&Blow, &(u64, u64))| {
        format!(
            "<tr><td>{}</td><td class=\"soft\">{}</td><td class=\"n\">{hits}</td><td class=\"n soft\">{misses}</td></tr>\n",
            blow.name(),
            blow.family()
        )
    };
    let rows: String = kinds.iter().map(row).collect();
    table(
        &[
            ("blow", false),
            ("family", false),
            ("struck", true),
            ("missed", true),
        ],
        &rows,
    )
}

/// Laps with findings first seen; the rest can be unfolded.
pub(super) fn laps(report: &OrdealReport) -> String {
    let titles = [
        ("lap", true),
        ("operations", true),
        ("blows", true),
        ("gaps", true),
        ("longest", true),
        ("back", true),
        ("verdict", false),
    ];
    let (shown, folded) = report.laps.split_at(report.laps.len().min(MOST_LAPS));
    let rows = |laps: &[Lap]| laps.iter().map(lap_row).collect::<String>();
    let mut text = table(&titles, &rows(shown));
    if !folded.is_empty() {
        let _ = writeln!(
            text,
            "<details><summary>{} more</summary>{}</details>",
            folded.len(),
            table(&titles, &rows(folded))
        );
    }
    text
}

fn lap_row(lap: &Lap) -> String {
    let longest = lap.gaps.iter().map(|gap| gap.length).max().unwrap_or(0);
    let operations: u64 = lap.buckets.iter().map(|bucket| bucket.acknowledged).sum();
    format!(
        "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{:.0} ms</td><td class=\"n\">{:.0} ms</td><td>{}</td></tr>\n",
        lap.number,
        grouped(operations),
        lap.struck.len(),
        lap.gaps.len(),
        millis(longest),
        lap.back_ms,
        lap_verdict(lap)
    )
}

fn lap_verdict(lap: &Lap) -> String {
    let mut lines: Vec<String> = lap
        .failed
        .iter()
        .map(|why| format!("<span class=\"bad\">{}</span>", escape(why)))
        .collect();
    lines.extend(
        lap.verdict
            .examples
            .iter()
            .map(|example| format!("<code>{}</code>", escape(example))),
    );
    lines.extend(lap.history.iter().map(|path| {
        format!(
            "history: <code>{}</code>",
            escape(&path.display().to_string())
        )
    }));
    if lines.is_empty() {
        return "<span class=\"good\">good</span>".to_owned();
    }
    lines.join("<br>")
}
