//! Aligned columns.

use crate::paint::{Paint, Tone};

/// A table with a head; every row has as many cells.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<(String, Tone)>>,
}

impl Table {
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Self {
            head: head.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<(String, Tone)>) {
        self.rows.push(cells);
    }

    pub(crate) fn lines(&self, paint: Paint) -> Vec<String> {
        let widths = self.widths();
        let head: Vec<(String, Tone)> = self
            .head
            .iter()
            .map(|cell| ((*cell).to_owned(), Tone::Faint))
            .collect();
        std::iter::once(&head)
            .chain(&self.rows)
            .map(|row| line(row, &widths, paint))
            .collect()
    }

    fn widths(&self) -> Vec<usize> {
        let column = |i: usize| {
            self.rows
                .iter()
                .filter_map(move |row| row.get(i))
                .map(|(cell, _)| cell.chars().count())
        };
        self.head
            .iter()
            .enumerate()
            .map(|(i, head)| column(i).max().unwrap_or(0).max(head.chars().count()))
            .collect()
    }
}

fn line(cells: &[(String, Tone)], widths: &[usize], paint: Paint) -> String {
    let mut line = String::new();
    for (i, ((cell, tone), width)) in cells.iter().zip(widths).enumerate() {
        line.push_str(&paint.text(cell, *tone));
        if i + 1 < cells.len() {
            // Padded outside the colour: its codes have no width.
            line.push_str(&" ".repeat(width - cell.chars().count() + 2));
        }
    }
    line.trim_end().to_owned()
}
