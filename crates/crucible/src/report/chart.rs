//! Writes per second around one event, ours and stock one above the other.

use crate::measure::timeline::Timeline;
use crate::report::plot::{LABEL_SIZE, OURS, STOCK, TITLE_SIZE};
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use std::path::Path;

/// One line of the chart.
#[derive(Clone, Debug)]
pub struct Strip {
    /// Which system.
    pub label: String,
    /// What it acknowledged.
    pub timeline: Timeline,
    /// Whether it is ours.
    pub ours: bool,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws one panel per strip to `path`.
pub fn draw(title: &str, strips: &[Strip], path: &Path) -> Result<()> {
    if strips.is_empty() {
        return Ok(());
    }
    let root = SVGBackend::new(path, (960, 40 + 170 * strips.len() as u32)).into_drawing_area();
    let drawn = draw_panels(title, strips, &root);
    drawn
        .and_then(|()| root.present().map_err(text))
        .map_err(|error| anyhow!("draw {}: {error}", path.display()))
}

fn draw_panels(title: &str, strips: &[Strip], root: &Area<'_>) -> Result<(), String> {
    root.fill(&WHITE).map_err(text)?;
    let inner = root
        .titled(title, ("sans-serif", TITLE_SIZE))
        .map_err(text)?;
    for (strip, panel) in strips.iter().zip(inner.split_evenly((strips.len(), 1))) {
        draw_panel(strip, &panel)?;
    }
    Ok(())
}

fn draw_panel(strip: &Strip, panel: &Area<'_>) -> Result<(), String> {
    let points = strip.timeline.points();
    let most = points.iter().map(|(_, rate)| *rate).fold(1.0, f64::max);
    let (first, last) = (
        points.first().map_or(-0.5, |point| point.0),
        points.last().map_or(2.5, |point| point.0),
    );
    let mut chart = ChartBuilder::on(panel)
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(84)
        .build_cartesian_2d(first..last, 0.0..most * 1.1)
        .map_err(text)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .label_style(("sans-serif", LABEL_SIZE))
        .y_labels(4)
        .x_labels(8)
        .y_desc(strip.label.as_str())
        .x_label_formatter(&|seconds| format!("{seconds:.1} s"))
        .y_label_formatter(&|rate| format!("{rate:.0}/s"))
        .draw()
        .map_err(text)?;
    let colour = if strip.ours { OURS } else { STOCK };
    let area = AreaSeries::new(points, 0.0, colour.mix(0.35)).border_style(colour);
    chart.draw_series(area).map_err(text)?;
    let event = PathElement::new([(0.0, 0.0), (0.0, most * 1.1)], BLACK.stroke_width(1));
    chart.draw_series([event]).map_err(text)?;
    Ok(())
}

fn text<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}
