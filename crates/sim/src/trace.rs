//! The record of a run: always a hash, on request also lines.

use crate::model::Micros;

/// Lines kept of a run; the oldest go first.
const LINES_MAX: usize = 200_000;

/// Hash and lines of what happened so far.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty one, with lines if `wanted`.
    pub fn new(wanted: bool) -> Self {
        Self {
            hash: 0xcbf2_9ce4_8422_2325,
            lines: wanted.then(Vec::new),
        }
    }

    /// Mixes numbers into the hash.
    pub fn mark(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.hash = (self.hash ^ number)
                .wrapping_mul(0x0000_0100_0000_01b3)
                .rotate_left(29);
        }
    }

    /// Mixes text into the hash.
    pub fn mark_text(&mut self, text: &str) {
        let numbers = text.as_bytes().chunks(8).map(|chunk| {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(bytes)
        });
        numbers.for_each(|number| self.mark(&[number]));
    }

    /// Adds a line, made only if lines are wanted.
    pub fn line(&mut self, now: Micros, text: impl FnOnce() -> String) {
        let Some(lines) = &mut self.lines else { return };
        if lines.len() >= LINES_MAX {
            lines.drain(..LINES_MAX / 2);
        }
        lines.push(format!("{:>12.6}  {}", now as f64 / 1e6, text()));
    }

    /// The hash so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines so far.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
