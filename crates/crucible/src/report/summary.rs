//! All rounds of one drill against one system.

use crate::clock::millis;
use crate::drill::RoundResult;
use crate::fault::Drill;
use crate::measure::Quantiles;
use crate::target::Against;
use serde::Serialize;
use std::collections::BTreeMap;

/// One line of the closing table.
#[derive(Clone, Debug, Serialize)]
pub struct DrillSummary {
    /// The drill.
    pub drill: Drill,
    /// The system.
    pub against: Against,
    /// Rounds that ran to their end.
    pub finished: usize,
    /// Rounds that did not: the group did not come back.
    pub failed: usize,
    /// Why it was skipped, if so.
    pub skipped: Option<String>,
    /// Acknowledged writes.
    pub acknowledged: u64,
    /// Of these, lost to clients that follow the sentinels.
    pub lost: u64,
    /// Of these, lost to clients that hung on to one node.
    pub lost_direct: u64,
    /// Present more than once.
    pub duplicated: u64,
    /// Refused yet present, out of order, written by nobody, not the same on every node, or settled and gone.
    pub wrong: u64,
    /// Acknowledgements by an old primary beside the new one.
    pub two_writable: u64,
    /// Milliseconds from the event to the first acknowledged write.
    pub unavailable_ms: Quantiles,
    /// Milliseconds of the longest pause in acknowledged writes.
    pub pause_ms: Quantiles,
}

/// One summary per drill and system, in order.
pub fn summarise(rounds: &[RoundResult]) -> Vec<DrillSummary> {
    let mut groups: BTreeMap<(Drill, Against), Vec<&RoundResult>> = BTreeMap::new();
    for round in rounds {
        groups
            .entry((round.drill, round.against))
            .or_default()
            .push(round);
    }
    groups
        .into_iter()
        .map(|((drill, against), rounds)| summary(drill, against, &rounds))
        .collect()
}

fn summary(drill: Drill, against: Against, rounds: &[&RoundResult]) -> DrillSummary {
    let finished: Vec<_> = rounds.iter().filter(|round| round.finished()).collect();
    let sum = |count: fn(&crate::check::Verdict) -> u64| {
        finished.iter().map(|round| count(&round.verdict)).sum()
    };
    let times = |time: fn(&RoundResult) -> u64| {
        Quantiles::of(
            &finished
                .iter()
                .map(|round| millis(time(round)))
                .collect::<Vec<_>>(),
        )
    };
    DrillSummary {
        drill,
        against,
        finished: finished.len(),
        failed: rounds.iter().filter(|round| round.failed.is_some()).count(),
        skipped: rounds.iter().find_map(|round| round.skipped.clone()),
        acknowledged: sum(|verdict| verdict.acknowledged),
        lost: sum(|verdict| verdict.lost),
        lost_direct: sum(|verdict| verdict.lost_direct),
        duplicated: sum(|verdict| verdict.duplicated),
        wrong: sum(|verdict| verdict.wrong() - verdict.duplicated - verdict.two_writable),
        two_writable: sum(|verdict| verdict.two_writable),
        unavailable_ms: times(RoundResult::away),
        pause_ms: times(|round| round.outage.longest_pause),
    }
}
