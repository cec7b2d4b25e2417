//! The table at the end: promise, deadline, measured, lost.

use crate::outcome::Outcome;
use crate::promise::{Loss, Promise};
use std::fmt;
use std::time::Duration;

/// One promise and what it came to.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    deadline: Option<Duration>,
    outcome: Option<Outcome>,
    broken: bool,
    /// What putting it to the test took, preparations included.
    took: Duration,
    pub(crate) remark: String,
}

impl Row {
    pub(crate) fn of(promise: &Promise, result: &anyhow::Result<Outcome>, took: Duration) -> Self {
        let (outcome, complaint) = match result {
            Ok(outcome) => (Some(outcome.clone()), complaint(promise, outcome)),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let said = outcome
            .as_ref()
            .map(|outcome| outcome.remark.clone())
            .unwrap_or_default();
        let remark: Vec<String> = complaint
            .clone()
            .into_iter()
            .chain([said])
            .filter(|text| !text.is_empty())
            .collect();
        Self {
            name: promise.name,
            deadline: promise.deadline,
            outcome,
            broken: complaint.is_some(),
            took,
            remark: remark.join("; "),
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        !self.broken
    }

    fn cells(&self) -> [String; 7] {
        let measured = self
            .outcome
            .as_ref()
            .map(|outcome| seconds(outcome.measured));
        let counted = |pick: fn(&Outcome) -> usize| {
            self.outcome
                .as_ref()
                .map_or_else(|| "-".into(), |outcome| pick(outcome).to_string())
        };
        [
            if self.broken { "BROKEN" } else { "kept" }.into(),
            self.name.into(),
            self.deadline.map_or_else(|| "-".into(), seconds),
            measured.unwrap_or_else(|| "-".into()),
            counted(|outcome| outcome.acknowledged),
            counted(|outcome| outcome.lost),
            format!("{:.0} s", self.took.as_secs_f64()),
        ]
    }
}

fn complaint(promise: &Promise, outcome: &Outcome) -> Option<String> {
    if promise.loss == Loss::None && outcome.lost > 0 {
        return Some(format!("{} acknowledged writes are lost", outcome.lost));
    }
    let late = promise
        .deadline
        .is_some_and(|deadline| outcome.measured > deadline);
    late.then(|| format!("{} is too long", seconds(outcome.measured)))
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

const WIDTHS: [usize; 7] = [7, 24, 10, 10, 8, 6, 6];

fn line(cells: &[String; 7], remark: &str) -> String {
    let padded = cells
        .iter()
        .zip(WIDTHS)
        .map(|(cell, width)| format!("{cell:<width$}"));
    let mut text = padded.collect::<Vec<_>>().join(" ");
    text.push(' ');
    text.push_str(remark);
    text.trim_end().to_owned()
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&line(&self.cells(), &self.remark))
    }
}

/// All rows under a heading, and how many promises were kept in how much time.
pub(crate) fn render(rows: &[Row], took: Duration) -> String {
    let heading = [
        "", "promise", "deadline", "measured", "acked", "lost", "took",
    ]
    .map(String::from);
    let lines = rows.iter().map(|row| format!("{row}\n"));
    let kept = rows.iter().filter(|row| row.is_kept()).count();
    format!(
        "{}\n{}{kept} of {} promises kept in {} s",
        line(&heading, ""),
        lines.collect::<String>(),
        rows.len(),
        took.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(loss: Loss) -> Promise {
        Promise {
            name: "x",
            text: "",
            deadline: Some(Duration::from_secs(1)),
            loss,
            run: |_| anyhow::bail!("not run here"),
        }
    }

    fn kept(promise: &Promise, millis: u64, lost: usize) -> bool {
        let outcome = Outcome {
            measured: Duration::from_millis(millis),
            lost,
            ..Outcome::default()
        };
        Row::of(promise, &Ok(outcome), Duration::ZERO).is_kept()
    }

    #[test]
    fn a_late_or_lossy_outcome_breaks_the_promise() {
        assert!(kept(&promise(Loss::None), 1000, 0));
        assert!(!kept(&promise(Loss::None), 1001, 0));
        assert!(!kept(&promise(Loss::None), 10, 1));
        assert!(kept(&promise(Loss::Counted), 10, 1));
        assert!(
            !Row::of(
                &promise(Loss::None),
                &Err(anyhow::anyhow!("no")),
                Duration::ZERO
            )
            .is_kept()
        );
    }
}
