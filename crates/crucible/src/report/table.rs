//! The closing table.

use crate::report::{DrillSummary, Report};
use std::fmt::Write;

/// Column titles and widths.
const COLUMNS: [(&str, usize); 11] = [
    ("drill", 21),
    ("system", 9),
    ("rounds", 7),
    ("acknowledged", 13),
    ("lost", 9),
    ("lost pinned", 12),
    ("duplicated", 11),
    ("wrong", 6),
    ("two writable", 13),
    ("unavailable p50/p99/max ms", 28),
    ("failed", 6),
];

/// Renders all summaries and the verdict.
pub fn render(report: &Report) -> String {
    let mut text = line(&COLUMNS.map(|(title, _)| title.to_owned()));
    for summary in &report.summaries {
        text += &row(summary);
    }
    let verdict = match report.violations {
        0 => "no promise was broken".to_owned(),
        1 => "a promise was broken in 1 round".to_owned(),
        count => format!("a promise was broken in {count} rounds"),
    };
    let _ = writeln!(text, "\n{verdict}");
    text
}

fn row(summary: &DrillSummary) -> String {
    if let Some(why) = &summary.skipped {
        return format!(
            "{:<21}{:<9}skipped: {why}\n",
            summary.drill.name(),
            summary.against.to_string()
        );
    }
    let times = summary.unavailable_ms;
    line(&[
        summary.drill.name(),
        summary.against.to_string(),
        summary.finished.to_string(),
        summary.acknowledged.to_string(),
        summary.lost.to_string(),
        summary.lost_direct.to_string(),
        summary.duplicated.to_string(),
        summary.wrong.to_string(),
        summary.two_writable.to_string(),
        format!("{:.0} / {:.0} / {:.0}", times.p50, times.p99, times.max),
        summary.failed.to_string(),
    ])
}

fn line(cells: &[String; 11]) -> String {
    let padded = cells
        .iter()
        .zip(COLUMNS)
        .map(|(cell, (_, width))| format!("{cell:<width$}"));
    let text: String = padded.collect();
    text.trim_end().to_owned() + "\n"
}
