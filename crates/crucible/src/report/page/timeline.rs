//! The timeline: operations per second with the gaps, latencies, and the blows below, on one axis of time.

use crate::clock::{Micros, millis};
use crate::ordeal::series::Bucket;
use crate::ordeal::{Lap, OrdealReport};
use crate::report::page::escape;
use std::fmt::Write;

const WIDTH: f64 = 1120.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 12.0;
/// Top and height of each panel.
const RATE: (f64, f64) = (26.0, 150.0);
const LATENCY: (f64, f64) = (218.0, 120.0);
const BLOWS: f64 = 380.0;
const ROW: f64 = 22.0;
const FAMILIES: [(&str, &str); 5] = [
    ("kill", "killed"),
    ("freeze", "frozen"),
    ("network", "network"),
    ("machine", "disk, clock"),
    ("planned", "planned"),
];

/// What the colours mean.
pub(super) const LEGEND: &str = "Red: no acknowledged write to anybody. Grey: clients at rest while the data is checked. Latency: median (blue) and 99th \
     percentile (orange), on a logarithmic scale. A lap with findings has a red ground. Point at a mark to see what it was.";

/// From time to place.
struct Axis {
    begin: Micros,
    end: Micros,
}

impl Axis {
    fn x(&self, at: Micros) -> f64 {
        let span = (self.end - self.begin).max(1) as f64;
        let share = (at.clamp(self.begin, self.end) - self.begin) as f64 / span;
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }
}

/// The drawing as SVG.
pub(super) fn draw(report: &OrdealReport) -> String {
    let axis = Axis {
        begin: report.begin(),
        end: report.end().max(report.begin() + 1),
    };
    let bottom = BLOWS + ROW * FAMILIES.len() as f64;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"operations, latency and faults over time\">",
        bottom + 30.0
    );
    grounds(report, &axis, bottom, &mut svg);
    rate(report, &axis, &mut svg);
    latency(report, &axis, &mut svg);
    blows(report, &axis, &mut svg);
    times(&axis, bottom, &mut svg);
    svg + "</svg>"
}

/// Behind everything: rests between laps, and laps with findings.
fn grounds(report: &OrdealReport, axis: &Axis, bottom: f64, svg: &mut String) {
    for pair in report.laps.windows(2) {
        ground("rest", pair[0].end, pair[1].begin, axis, bottom, svg);
    }
    let harmed =
        |lap: &&Lap| lap.failed.is_some() || lap.verdict.broken() || lap.verdict.not_kept() > 0;
    for lap in report.laps.iter().filter(harmed) {
        ground("harm", lap.begin, lap.end, axis, bottom, svg);
    }
}

fn ground(class: &str, from: Micros, to: Micros, axis: &Axis, bottom: f64, svg: &mut String) {
    let (x, width) = (axis.x(from), axis.x(to) - axis.x(from));
    let top = RATE.0;
    let _ = write!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
        bottom - top
    );
}

fn rate(report: &OrdealReport, axis: &Axis, svg: &mut String) {
    let width = bucket_seconds(report);
    let per_second = |bucket: &Bucket| bucket.acknowledged as f64 / width;
    let most = report
        .laps
        .iter()
        .flat_map(|lap| &lap.buckets)
        .map(per_second)
        .fold(1.0, f64::max)
        * 1.05;
    panel("operations per second", RATE, svg);
    for (share, label) in [(0.0, 0.0), (0.5, most / 2.0), (1.0, most)] {
        level(RATE, share, &format!("{label:.0}"), svg);
    }
    for lap in &report.laps {
        let points: Vec<(f64, f64)> = steps(&lap.buckets, axis, |bucket| per_second(bucket) / most);
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            continue;
        };
        let floor = RATE.0 + RATE.1;
        let line = path(&points, RATE);
        let _ = write!(
            svg,
            "<path class=\"rate\" d=\"M{:.1},{floor} L{line} L{:.1},{floor} Z\"/>",
            first.0, last.0
        );
    }
    for gap in report.laps.iter().flat_map(|lap| &lap.gaps) {
        let (x, end) = (axis.x(gap.at), axis.x(gap.at + gap.length));
        let _ = write!(
            svg,
            "<rect class=\"gap\" x=\"{x:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\"><title>{:.0} ms without an acknowledged write</title></rect>",
            RATE.0,
            (end - x).max(1.0),
            RATE.1,
            millis(gap.length)
        );
    }
}

/// From a tenth of a millisecond to ten seconds.
fn latency(report: &OrdealReport, axis: &Axis, svg: &mut String) {
    let share = |ms: f64| ((ms.max(0.1).log10() + 1.0) / 5.0).min(1.0);
    panel("latency of acknowledged operations", LATENCY, svg);
    for (ms, label) in [
        (0.1, "0.1 ms"),
        (1.0, "1 ms"),
        (10.0, "10 ms"),
        (100.0, "0.1 s"),
        (1000.0, "1 s"),
        (10_000.0, "10 s"),
    ] {
        level(LATENCY, share(ms), label, svg);
    }
    for lap in &report.laps {
        for run in lap
            .buckets
            .split(|bucket| bucket.acknowledged == 0)
            .filter(|run| !run.is_empty())
        {
            for (class, value) in [
                ("slow", (|bucket| bucket.p99_ms) as fn(&Bucket) -> f64),
                ("fast", |bucket| bucket.p50_ms),
            ] {
                let line = path(&steps(run, axis, |bucket| share(value(bucket))), LATENCY);
                let _ = write!(svg, "<path class=\"{class}\" d=\"M{line}\"/>");
            }
        }
    }
}

fn blows(report: &OrdealReport, axis: &Axis, svg: &mut String) {
    let _ = write!(
        svg,
        "<text class=\"title\" x=\"{LEFT}\" y=\"{}\">blows</text>",
        BLOWS - 8.0
    );
    for (row, (family, label)) in FAMILIES.iter().enumerate() {
        let y = BLOWS + ROW * row as f64;
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT - 8.0,
            y + 14.0
        );
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
            WIDTH - RIGHT,
            y + ROW,
            y + ROW
        );
        for struck in report
            .laps
            .iter()
            .flat_map(|lap| &lap.struck)
            .filter(|struck| struck.blow.family() == *family)
        {
            let (x, end) = (axis.x(struck.at), axis.x(struck.until));
            let missed = struck
                .missed
                .as_deref()
                .map(|why| format!(", missed: {why}"))
                .unwrap_or_default();
            let class = if missed.is_empty() { "" } else { " missed" };
            let _ = write!(
                svg,
                "<rect class=\"blow {family}{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{}\" rx=\"1.5\"><title>{}</title></rect>",
                y + 4.0,
                (end - x).max(2.5),
                ROW - 8.0,
                escape(&format!(
                    "{} · {} at {:.1} s{missed}",
                    struck.blow.name(),
                    struck.whom,
                    millis(struck.at - axis.begin) / 1000.0
                )),
            );
        }
    }
}

fn times(axis: &Axis, bottom: f64, svg: &mut String) {
    let seconds = (axis.end - axis.begin) as f64 / 1e6;
    let steps = [
        1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0,
    ];
    let step = steps
        .into_iter()
        .find(|step| seconds / step <= 14.0)
        .unwrap_or(14_400.0);
    let mut at = 0.0;
    while at <= seconds {
        let x = axis.x(axis.begin + (at * 1e6) as Micros);
        let label = if step < 60.0 && seconds < 120.0 {
            format!("{at:.0} s")
        } else {
            format!("{}:{:02}", at as u64 / 60, at as u64 % 60)
        };
        let _ = write!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            bottom + 20.0
        );
        at += step;
    }
}

fn bucket_seconds(report: &OrdealReport) -> f64 {
    let pair = report
        .laps
        .iter()
        .find_map(|lap| Some(lap.buckets.get(1)?.at - lap.buckets.first()?.at));
    pair.map_or(1.0, |micros| micros as f64 / 1e6)
}

/// Points of a line, one per piece of time, with heights from 0 to 1.
fn steps(buckets: &[Bucket], axis: &Axis, height: impl Fn(&Bucket) -> f64) -> Vec<(f64, f64)> {
    buckets
        .iter()
        .map(|bucket| (axis.x(bucket.at), height(bucket)))
        .collect()
}

fn path(points: &[(f64, f64)], panel: (f64, f64)) -> String {
    let place =
        |(x, share): &(f64, f64)| format!("{x:.1},{:.1}", panel.0 + panel.1 * (1.0 - share));
    points.iter().map(place).collect::<Vec<_>>().join(" L")
}

fn panel(title: &str, panel: (f64, f64), svg: &mut String) {
    let _ = write!(
        svg,
        "<text class=\"title\" x=\"{LEFT}\" y=\"{}\">{title}</text>",
        panel.0 - 10.0
    );
}

fn level(panel: (f64, f64), share: f64, label: &str, svg: &mut String) {
    let y = panel.0 + panel.1 * (1.0 - share);
    let _ = write!(
        svg,
        "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
        WIDTH - RIGHT
    );
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
        LEFT - 8.0,
        y + 4.0
    );
}
