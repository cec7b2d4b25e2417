//! Every round as a dot: time without writes, on a logarithmic scale, one row per event and system.

use crate::clock::millis;
use crate::drill::RoundResult;
use crate::measure::Quantiles;
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// One row of the plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What happened, and to which system.
    pub label: String,
    /// Milliseconds, one per round.
    pub values: Vec<f64>,
    /// Whether it is ours.
    pub ours: bool,
}

pub(crate) const OURS: RGBColor = RGBColor(0x1b, 0x7f, 0x5c);
pub(crate) const STOCK: RGBColor = RGBColor(0xc2, 0x5b, 0x2a);
const ROW: u32 = 34;
/// In the backend's measure, which shows them at about 0.7 of it in pixels.
pub(crate) const LABEL_SIZE: u32 = 18;
/// Size of titles, likewise.
pub(crate) const TITLE_SIZE: u32 = 24;
const LEAST_MS: f64 = 0.5;

/// The rows of `rounds`.
pub fn series(rounds: &[RoundResult]) -> Vec<Series> {
    let mut rows: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for round in rounds.iter().filter(|round| round.finished()) {
        let values = rows.entry((round.drill, round.against)).or_default();
        values.push(millis(round.away()));
    }
    let row =
        |((drill, against), values): ((crate::fault::Drill, crate::target::Against), Vec<f64>)| {
            Series {
                label: format!("{} · {against}", drill.name()),
                values,
                ours: against == crate::target::Against::Holdfast,
            }
        };
    rows.into_iter().map(row).collect()
}

/// Draws `rows` to `path`.
pub fn draw(rows: &[Series], path: &Path) -> Result<()> {
    let size = (960, 90 + ROW * rows.len().max(1) as u32);
    let root = SVGBackend::new(path, size).into_drawing_area();
    let drawn =
        draw_rows(rows, &root).and_then(|()| root.present().map_err(|error| error.to_string()));
    drawn.map_err(|error| anyhow!("draw {}: {error}", path.display()))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_rows(rows: &[Series], root: &Area<'_>) -> Result<(), String> {
    let text = |error: DrawingAreaErrorKind<std::io::Error>| error.to_string();
    root.fill(&WHITE).map_err(text)?;
    let most = rows
        .iter()
        .flat_map(|row| &row.values)
        .fold(100.0_f64, |most, value| most.max(*value));
    let bottom = rows.len().max(1) as f64;
    let mut chart = ChartBuilder::on(root)
        .caption(
            "Milliseconds without an acknowledged write",
            ("sans-serif", TITLE_SIZE),
        )
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(230)
        .build_cartesian_2d((LEAST_MS..most * 1.5).log_scale(), 0.0..bottom)
        .map_err(text)?;
    let label = |y: &f64| row_label(rows, *y);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .label_style(("sans-serif", LABEL_SIZE))
        .y_labels(rows.len() * 2 + 1)
        .y_label_formatter(&label)
        .x_label_formatter(&|ms| format!("{ms:.0}"))
        .draw()
        .map_err(text)?;
    for (index, row) in rows.iter().enumerate() {
        let y = bottom - index as f64 - 0.5;
        let colour = if row.ours { OURS } else { STOCK };
        let dot = |value: &f64| Circle::new((value.max(LEAST_MS), y), 3, colour.mix(0.45).filled());
        chart
            .draw_series(row.values.iter().map(dot))
            .map_err(text)?;
        let median = Quantiles::of(&row.values).p50.max(LEAST_MS);
        let bar = PathElement::new(
            [(median, y - 0.35), (median, y + 0.35)],
            colour.stroke_width(3),
        );
        chart.draw_series([bar]).map_err(text)?;
    }
    Ok(())
}

/// The label belongs to the middle of its row.
fn row_label(rows: &[Series], y: f64) -> String {
    let from_top = rows.len() as f64 - y - 0.5;
    let nearest = from_top.round();
    if (from_top - nearest).abs() > 0.01 || nearest < 0.0 {
        return String::new();
    }
    rows.get(nearest as usize)
        .map_or_else(String::new, |row| row.label.clone())
}
