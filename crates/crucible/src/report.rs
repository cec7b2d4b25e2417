//! What the drills showed: a table for people, JSON for programs, a plot.

pub mod chart;
pub mod page;
pub mod plot;
pub mod summary;
pub mod table;

pub use summary::DrillSummary;

use crate::drill::RoundResult;
use anyhow::{Context, Result};
use serde::Serialize;
use std::path::Path;

/// The report of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// One line per drill and system.
    pub summaries: Vec<DrillSummary>,
    /// Rounds that broke a promise.
    pub violations: usize,
    /// Every round.
    pub rounds: Vec<RoundResult>,
}

impl Report {
    /// Sums up `rounds`. `lossless`: any acknowledged write that is lost breaks a promise.
    pub fn new(rounds: Vec<RoundResult>, lossless: bool) -> Self {
        let violations = rounds
            .iter()
            .filter(|round| round.violates(lossless))
            .count();
        Self {
            summaries: summary::summarise(&rounds),
            violations,
            rounds,
        }
    }

    /// Whether a promise was broken: the command then ends with a non-zero code.
    pub fn violated(&self) -> bool {
        self.violations > 0
    }

    /// The closing table.
    pub fn text(&self) -> String {
        table::render(self)
    }

    /// The whole report as JSON.
    pub fn json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).context("write the report as JSON")
    }

    /// Writes the files that were asked for.
    pub fn write_files(&self, json: Option<&Path>, svg: Option<&Path>) -> Result<()> {
        if let Some(path) = json {
            std::fs::write(path, self.json()?)
                .with_context(|| format!("write {}", path.display()))?;
        }
        if let Some(path) = svg {
            plot::draw(&plot::series(&self.rounds), path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
