//! Every count with what it means and what is required.

use crate::check::Verdict;
use crate::ordeal::OrdealReport;
use crate::report::page::{grouped, tables};

/// Name, count, meaning.
type Row = (&'static str, fn(&Verdict) -> u64, &'static str);

/// What `quorum` forbids, and a crash may cause in `async`.
const NOT_KEPT: [Row; 5] = [
    (
        "lost",
        |verdict| verdict.lost,
        "acknowledged to a client that follows the sentinels, and not in the data",
    ),
    (
        "lost, pinned",
        |verdict| verdict.lost_direct,
        "acknowledged to a client that hangs on to one node, and not in the data",
    ),
    (
        "stale",
        |verdict| verdict.stale,
        "a read that missed a write acknowledged before it began: registers, shared lists, the counter, cached copies",
    ),
    (
        "rolled back",
        |verdict| verdict.rolled_back,
        "seen by a read, and gone later",
    ),
    (
        "resurrected",
        |verdict| verdict.resurrected,
        "removed, or taken from the queue, and there again",
    ),
];

/// What every durability forbids.
const WRONG: [Row; 8] = [
    (
        "duplicated",
        |verdict| verdict.duplicated,
        "in the data more than once",
    ),
    (
        "phantom",
        |verdict| verdict.phantom,
        "refused, and yet in the data",
    ),
    (
        "reordered",
        |verdict| verdict.reordered,
        "in another order than acknowledged",
    ),
    ("foreign", |verdict| verdict.foreign, "written by nobody"),
    (
        "torn",
        |verdict| verdict.torn,
        "half of a transaction seen: the bank did not sum up",
    ),
    (
        "diverged",
        |verdict| verdict.diverged,
        "nodes whose copy differs from the primary's after a lap",
    ),
    (
        "two writable",
        |verdict| verdict.two_writable,
        "acknowledged by an old primary after the new one had acknowledged",
    ),
    (
        "disputed",
        |verdict| verdict.disputed,
        "registers on which the two checkers disagree: the crucible would be wrong",
    ),
];

pub(super) fn table(report: &OrdealReport) -> String {
    let verdict = &report.totals.verdict;
    let mut rows = String::new();
    for (name, count, meaning) in NOT_KEPT {
        rows += &row(name, count(verdict), report.lossless, meaning);
    }
    for (name, count, meaning) in WRONG {
        rows += &row(name, count(verdict), true, meaning);
    }
    rows += &row(
        "laps failed",
        report.totals.failed,
        true,
        "writes, or the whole group, did not come back in time",
    );
    let titles = [
        ("finding", false),
        ("count", true),
        ("required", false),
        ("meaning", false),
    ];
    tables::table(&titles, &rows) + &note(verdict)
}

fn row(name: &str, count: u64, required: bool, meaning: &str) -> String {
    let class = match (count, required) {
        (0, _) => "good",
        (_, true) => "bad",
        (_, false) => "warn",
    };
    let must = if required { "0" } else { "not promised" };
    format!(
        "<tr><td>{name}</td><td class=\"n {class}\"><b>{}</b></td><td class=\"must\">{must}</td><td class=\"soft\">{meaning}</td></tr>\n",
        grouped(count)
    )
}

fn note(verdict: &Verdict) -> String {
    format!(
        "<p class=\"soft\">{} registers were checked for linearizability by two independent checkers; {} were too tangled for the search and judged by one.</p>\n",
        grouped(verdict.registers),
        verdict.undecided
    )
}
