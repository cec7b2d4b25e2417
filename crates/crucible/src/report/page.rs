//! The report of a long run as one HTML file: no scripts, nothing fetched, readable in the dark and in the light.

mod findings;
mod tables;
mod timeline;

use crate::ordeal::OrdealReport;
use crate::target::{Against, Durability};
use std::fmt::Write;

const STYLE: &str = include_str!("page/style.css");

/// The whole page.
pub fn render(report: &OrdealReport) -> String {
    let title = title(report);
    [
        format!("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>\n{STYLE}</style></head><body>\n"),
        format!("<h1>{title}</h1>\n{}", subject(report)),
        banner(report),
        cards(report),
        format!("<h2>What the checkers found</h2>\n{}", findings::table(report)),
        format!("<h2>Timeline</h2>\n<figure>{}</figure>\n", timeline::draw(report)),
        format!("<p class=\"soft\">{}</p>\n", timeline::LEGEND),
        format!("<h2>Longest gaps</h2>\n{}", tables::gaps(report)),
        format!("<h2>Blows</h2>\n{}", tables::blows(report)),
        format!("<h2>Laps</h2>\n{}", tables::laps(report)),
        format!("<p class=\"soft\">Again with the same blows: <code>{}</code>. How to read this page: <code>docs/crucible.md</code>.</p>\n", escape(&command(report))),
        "</body></html>\n".to_owned(),
    ]
    .concat()
}

/// Text for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

fn title(report: &OrdealReport) -> String {
    match (report.subject.against, report.subject.durability) {
        (Against::Upstream, _) => "Crucible: stock Redis Sentinel".to_owned(),
        (Against::Holdfast, Durability::Async) => "Crucible: Holdfast, durability async".to_owned(),
        (Against::Holdfast, durability) => {
            format!(
                "Crucible: Holdfast, durability {durability}, k = {}",
                report.subject.sync_replicas
            )
        }
    }
}

fn subject(report: &OrdealReport) -> String {
    let subject = &report.subject;
    let yes = |here: bool, what: &str| {
        if here {
            what.to_owned()
        } else {
            format!("no {what}")
        }
    };
    format!(
        "<p class=\"soft\">{} nodes, {} sentinels, {} clients · {} · {} · {} · seed {}</p>\n",
        subject.nodes,
        subject.sentinels,
        subject.workloads.len(),
        escape(&subject.server),
        yes(subject.network, "network faults"),
        yes(subject.interposer, "disk and clock faults"),
        subject.seed,
    )
}

fn banner(report: &OrdealReport) -> String {
    let promised = report.lossless && report.subject.against == Against::Holdfast;
    let (class, head, tail) = match (report.kept(), report.violated()) {
        (true, _) => (
            "good",
            "Nothing acknowledged was lost, nothing stale was read",
            "Every acknowledged write was found again, every read fitted, and writes came back after every fault.",
        ),
        (false, true) if promised => (
            "bad",
            "A promise was broken",
            "Something that was acknowledged is missing, or was read wrongly, or writes did not come back.",
        ),
        (false, true) => (
            "bad",
            "A promise was broken",
            "Not even what async promises was kept: see the rows in red.",
        ),
        (false, false) => (
            "warn",
            "The promise of quorum was not kept; this system does not make it",
            "Lost and stale are what asynchronous replication costs. The checkers saw it: that is what this run is for.",
        ),
    };
    format!("<div class=\"banner {class}\">{head}<p>{tail}</p></div>\n")
}

fn cards(report: &OrdealReport) -> String {
    let totals = &report.totals;
    let card = |value: String, what: &str| {
        format!("<div class=\"card\"><b>{value}</b><span>{what}</span></div>")
    };
    let cards = [
        card(
            format!("{:.1} min", totals.load_ms as f64 / 60_000.0),
            "under load",
        ),
        card(grouped(totals.operations), "operations answered"),
        card(
            grouped(totals.verdict.acknowledged),
            "writes acknowledged and checked",
        ),
        card(grouped(totals.blows), "blows"),
        card(grouped(totals.verdict.switches), "changes of primary"),
        card(
            format!("{:.2} %", report.available() * 100.0),
            "of the time writable",
        ),
        card(format!("{:.0} ms", report.gap_ms.p50), "median gap"),
        card(format!("{:.0} ms", totals.longest_gap_ms), "longest gap"),
    ];
    format!("<div class=\"cards\">{}</div>\n", cards.concat())
}

fn command(report: &OrdealReport) -> String {
    let subject = &report.subject;
    let minutes = (report.totals.load_ms as f64 / 60_000.0).ceil();
    let mut text = format!(
        "holdfast crucible --minutes {minutes} --seed {}",
        subject.seed
    );
    text += match (subject.against, subject.durability) {
        (Against::Upstream, _) => " --only upstream",
        (_, Durability::Quorum) => " --durability quorum",
        (_, Durability::Fsync) => " --durability fsync",
        _ => "",
    };
    if subject.durability.waits() {
        let _ = write!(text, " --sync-replicas {}", subject.sync_replicas);
    }
    text
}

#[cfg(test)]
mod tests;
