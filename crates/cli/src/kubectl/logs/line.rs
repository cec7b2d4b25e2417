//! One line of a log, as text or as JSON, and the merging of many.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the decisions of a sentinel and of an agent are logged.
const DECIDING: [&str; 2] = ["holdfast_sentinel::decisions", "holdfast_agent::agent"];

/// An agent's decision reaches every sentinel within this time.
const SAME_WITHIN_MS: i64 = 1_000;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// When the container wrote it, as Kubernetes says.
    at: String,
    /// Who decided: a node or a sentinel.
    by: String,
    level: String,
    text: String,
    #[serde(skip)]
    target: String,
    #[serde(skip)]
    pod: String,
    #[serde(skip)]
    ms: i64,
}

/// A line in the JSON format.
#[derive(Debug, Deserialize)]
struct Record {
    level: String,
    target: String,
    message: String,
    #[serde(default)]
    by: Option<String>,
}

impl Line {
    /// Takes a line apart: the time that Kubernetes put before it, and what this program logged.
    pub(super) fn parse(pod: &str, line: &str) -> Option<Self> {
        let (at, rest) = line.split_once(' ')?;
        let stamp: k8s_openapi::jiff::Timestamp = at.parse().ok()?;
        let record = if rest.starts_with('{') {
            serde_json::from_str(rest).ok()?
        } else {
            text_record(rest)?
        };
        Some(Self {
            at: stamp.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            by: record.by.unwrap_or_else(|| pod.to_owned()),
            level: record.level,
            text: record.message,
            target: record.target,
            pod: pod.to_owned(),
            ms: stamp.as_millisecond(),
        })
    }

    fn is_news(&self) -> bool {
        matches!(self.level.as_str(), "WARN" | "ERROR") || DECIDING.contains(&self.target.as_str())
    }

    fn is_same(&self, other: &Self) -> bool {
        self.ms - other.ms < SAME_WITHIN_MS
            && self.pod != other.pod
            && self.by == other.by
            && self.text == other.text
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            by,
            text,
            level,
            ..
        } = self;
        match level.as_str() {
            "INFO" => write!(f, "{at}  {by}  {text}"),
            level => write!(f, "{at}  {by}  {level}: {text}"),
        }
    }
}

/// `2026-01-01T00:00:00.000000Z  INFO target: text group=mymaster by="redis-0"`
fn text_record(line: &str) -> Option<Record> {
    let (_, rest) = line.split_once(' ')?;
    let (level, rest) = rest.trim_start().split_once(' ')?;
    let (target, text) = rest.split_once(": ")?;
    let (text, by) = match text.rsplit_once(" group=") {
        Some((text, fields)) if target == DECIDING[0] => (text, by(fields)),
        _ => (text, None),
    };
    Some(Record {
        level: level.to_owned(),
        target: target.to_owned(),
        message: text.to_owned(),
        by,
    })
}

fn by(fields: &str) -> Option<String> {
    let (_, by) = fields.split_once(" by=")?;
    Some(by.trim_matches('"').to_owned())
}

/// In the order of time; what several heard of one decision once. Only news, unless `all` are wanted.
pub(super) fn merge(mut lines: Vec<Line>, all: bool) -> Vec<Line> {
    lines.retain(|line| all || line.is_news());
    lines.sort_by_key(|line| line.ms);
    let mut once: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        let mut recent = once
            .iter()
            .rev()
            .take_while(|known| line.ms - known.ms < SAME_WITHIN_MS);
        if !recent.any(|known| line.is_same(known)) {
            once.push(line);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SENTINEL: &str = r#"2026-11-22T20:00:01.250000000Z 2026-11-22T20:00:01.249000Z  INFO holdfast_sentinel::decisions: redis-server of r-node-1 ended: signal 9 group=mymaster by="r-node-1""#;
    const AGENT: &str = "2026-11-22T20:00:01.200000000Z 2026-11-22T20:00:01.199000Z  INFO holdfast_agent::agent: redis-server of r-node-1 ended: signal 9";
    const JSON: &str = r#"2026-11-22T20:00:00.100000000Z {"timestamp":"2026-11-22T20:00:00.1Z","level":"INFO","message":"deposed r-node-1","group":"mymaster","by":"s-0","target":"holdfast_sentinel::decisions"}"#;
    const CHATTER: &str = "2026-11-22T20:00:09.000000000Z 2026-11-22T20:00:09.000000Z  INFO holdfast_sentinel::sentinel::start: s-0 serves clients";

    fn texts(lines: &[(&str, &str)], all: bool) -> Vec<String> {
        let lines = lines
            .iter()
            .filter_map(|(pod, line)| Line::parse(pod, line));
        merge(lines.collect(), all)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_decision_that_several_logged_is_shown_once_in_its_time() {
        let lines = [
            ("s-0", SENTINEL),
            ("r-node-1", AGENT),
            ("s-1", SENTINEL),
            ("s-0", JSON),
            ("s-0", CHATTER),
        ];
        assert_eq!(
            texts(&lines, false),
            [
                "2026-11-22T20:00:00.100Z  s-0  deposed r-node-1",
                "2026-11-22T20:00:01.200Z  r-node-1  redis-server of r-node-1 ended: signal 9",
            ]
        );
    }

    #[test]
    fn warnings_are_news_and_the_rest_is_shown_on_request() {
        let warning = CHATTER.replace("INFO", "WARN");
        assert_eq!(
            texts(&[("s-0", &warning)], false),
            ["2026-11-22T20:00:09.000Z  s-0  WARN: s-0 serves clients"]
        );
        assert_eq!(texts(&[("s-0", CHATTER)], true).len(), 1);
    }

    #[test]
    fn the_same_again_from_one_pod_is_told_again() {
        assert_eq!(
            texts(&[("s-0", SENTINEL), ("s-0", SENTINEL)], false).len(),
            2
        );
    }

    #[test]
    fn what_is_no_line_of_ours_is_left_out() {
        assert_eq!(Line::parse("s-0", "2026-11-22T20:00:09Z Killed"), None);
        assert_eq!(Line::parse("s-0", ""), None);
    }
}
