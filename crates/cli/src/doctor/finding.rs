//! One thing that is wrong.

use crate::paint::{Paint, Tone};
use serde::Serialize;

/// How bad it is; the order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// Something does not work, or would be lost with the next fault.
    Problem,
    /// It works, but not for long or not as well as it could.
    Warning,
}

/// What is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// Stable word for programs.
    pub(super) code: &'static str,
    pub(super) what: String,
    pub(super) advice: String,
}

impl Finding {
    pub(super) fn problem(
        code: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Problem,
            code,
            what: what.into(),
            advice: advice.into(),
        }
    }

    pub(super) fn warning(
        code: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            code,
            what: what.into(),
            advice: advice.into(),
        }
    }

    pub(super) fn lines(&self, paint: Paint) -> [String; 2] {
        let word = match self.severity {
            Severity::Problem => paint.text("problem", Tone::Bad),
            Severity::Warning => paint.text("warning", Tone::Warn),
        };
        [
            format!("{word}  {}  [{}]", self.what, self.code),
            format!("         {}", self.advice),
        ]
    }
}
