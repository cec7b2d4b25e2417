//! What the report says and when it says "broken".

#![allow(clippy::unwrap_used)]

use super::*;
use crate::fault::Drill;
use crate::target::Against;

fn round(against: Against, change: impl FnOnce(&mut RoundResult)) -> RoundResult {
    let mut round = RoundResult::empty(Drill::Crash, against, 1);
    round.outage.event_to_first_write = Some(42_000);
    change(&mut round);
    round
}

fn violated(
    drill: Drill,
    against: Against,
    lossless: bool,
    change: impl FnOnce(&mut RoundResult),
) -> bool {
    let mut round = round(against, change);
    round.drill = drill;
    Report::new(vec![round], lossless).violated()
}

#[test]
fn two_writable_primaries_or_no_return_break_a_promise_of_ours_only() {
    for (against, broken) in [(Against::Holdfast, true), (Against::Upstream, false)] {
        assert_eq!(
            violated(Drill::Crash, against, false, |round| round
                .verdict
                .two_writable = 1),
            broken
        );
        assert_eq!(
            violated(Drill::Crash, against, false, |round| round.failed =
                Some("gone".into())),
            broken
        );
        assert_eq!(
            violated(Drill::Crash, against, false, |round| round
                .verdict
                .duplicated = 1),
            broken
        );
    }
    assert!(!violated(Drill::Crash, Against::Holdfast, false, |round| {
        round.skipped = Some("no".into());
    }));
}

#[test]
fn loss_breaks_a_promise_where_it_is_promised() {
    let lose = |round: &mut RoundResult| round.verdict.lost = 1;
    assert!(!violated(Drill::Crash, Against::Holdfast, false, lose));
    assert!(violated(Drill::Crash, Against::Holdfast, true, lose));
    assert!(violated(Drill::Handoff, Against::Holdfast, false, lose));
    assert!(violated(
        Drill::RestartEmpty,
        Against::Holdfast,
        false,
        lose
    ));
}

#[test]
fn the_table_shows_numbers_and_reasons() {
    let skipped = RoundResult {
        skipped: Some("not allowed".into()),
        ..RoundResult::empty(Drill::Partition, Against::Holdfast, 1)
    };
    let rounds = vec![
        round(Against::Holdfast, |round| round.verdict.acknowledged = 7),
        skipped,
    ];
    let report = Report::new(rounds, false);
    let text = report.text();
    assert!(
        text.contains("42 / 42 / 42") && text.contains("skipped: not allowed"),
        "{text}"
    );
    assert!(text.ends_with("no promise was broken\n"), "{text}");
    assert!(report.json().unwrap().contains("\"acknowledged\": 7"));
}

#[test]
fn the_plot_has_a_dot_per_round() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plot.svg");
    let report = Report::new(
        vec![
            round(Against::Holdfast, |_| ()),
            round(Against::Upstream, |_| ()),
        ],
        false,
    );
    report.write_files(None, Some(&path)).unwrap();
    let svg = std::fs::read_to_string(path).unwrap();
    assert_eq!(svg.matches("<circle").count(), 2, "{svg}");
    assert!(svg.contains("crash · holdfast") && svg.contains("crash · upstream"));
}

#[test]
fn every_row_of_a_long_plot_has_its_label() {
    let dir = tempfile::tempdir().unwrap();
    for count in 1..=24 {
        let row = |n: usize| plot::Series {
            label: format!("row {n}."),
            values: vec![10.0 * n as f64],
            ours: n == 0,
        };
        let rows: Vec<_> = (0..count).map(row).collect();
        let path = dir.path().join("plot.svg");
        plot::draw(&rows, &path).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        let missing: Vec<_> = rows
            .iter()
            .filter(|row| !svg.contains(&row.label))
            .map(|row| &row.label)
            .collect();
        assert!(
            missing.is_empty(),
            "{count} rows, without a label: {missing:?}"
        );
    }
}
