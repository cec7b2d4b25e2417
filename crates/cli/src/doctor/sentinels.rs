//! What can be wrong with the sentinels.

use super::evidence::Evidence;
use super::finding::Finding;
use holdfast_cluster::AskError;
use holdfast_core::names::Address;
use holdfast_core::status::GroupStatus;
use std::collections::BTreeSet;

pub(super) fn check(evidence: &Evidence) -> Vec<Finding> {
    let status = evidence.observation.best();
    // First what stops everything, then who is to blame.
    let mut findings: Vec<Finding> = status
        .and_then(|status| majority(status, evidence))
        .into_iter()
        .collect();
    let views = evidence.observation.views.iter();
    findings.extend(
        views.filter_map(|(address, view)| view.as_ref().err().map(|error| silent(address, error))),
    );
    if let Some(status) = status {
        findings.extend(disagreement(evidence));
        findings.extend(voters(status));
        findings.extend(number(status));
    }
    findings
}

fn silent(address: &Address, error: &AskError) -> Finding {
    match error {
        AskError::Refused(_, text) if text.contains("unknown command") => Finding::problem(
            "not-holdfast",
            format!("what answers at {address} is no sentinel of Holdfast"),
            "name the right address with --sentinel, or free that port for the sentinel that should have it",
        ),
        AskError::Refused(_, text)
            if text.starts_with("NOAUTH") || text.starts_with("WRONGPASS") =>
        {
            Finding::problem(
                "sentinel-password",
                format!("the sentinel at {address} wants a password: {text}"),
                "give the file that holds it with --password-file",
            )
        }
        error => Finding::problem(
            "sentinel-unreachable",
            error.to_string(),
            "start it, or look into its log; if it runs, the network between here and there is cut",
        ),
    }
}

/// A view from a sentinel that is cut off is not worth much.
fn majority(status: &GroupStatus, evidence: &Evidence) -> Option<Finding> {
    let all = status.sentinels.len();
    let widest = evidence
        .observation
        .statuses()
        .map(connected)
        .max()
        .unwrap_or(0);
    (widest * 2 <= all).then(|| {
        Finding::problem(
            "no-majority",
            format!("no sentinel reaches more than {widest} of the {all} (itself included): nothing can be decided, nothing fails over"),
            format!("bring sentinels back until {} of {all} run and reach each other", all / 2 + 1),
        )
    })
}

fn connected(status: &GroupStatus) -> usize {
    status
        .sentinels
        .iter()
        .filter(|sentinel| sentinel.connected)
        .count()
}

fn disagreement(evidence: &Evidence) -> Option<Finding> {
    let views: BTreeSet<(u64, &str)> = evidence
        .observation
        .statuses()
        .map(|status| (status.epoch, status.primary.as_deref().unwrap_or("nobody")))
        .collect();
    (views.len() > 1).then(|| {
        let told: Vec<String> = views.iter().map(|(epoch, primary)| format!("{primary} in epoch {epoch}")).collect();
        Finding::problem(
            "disagreement",
            format!("sentinels name different primaries: {}", told.join(", ")),
            "wait two seconds and look again: during a failover this is normal. If it stays, one is cut off from the others; the highest epoch is right",
        )
    })
}

fn voters(status: &GroupStatus) -> Vec<Finding> {
    let mute = status
        .sentinels
        .iter()
        .filter(|sentinel| sentinel.connected && !sentinel.voting);
    mute.map(|sentinel| {
        Finding::warning(
            "not-voting",
            format!("{} does not vote: it lost its register and has not learned it from a majority yet", sentinel.name),
            "let it reach a majority of the others; if its folder is on a disk that is wiped at every start, give it a lasting one",
        )
    })
    .collect()
}

fn number(status: &GroupStatus) -> Option<Finding> {
    let all = status.sentinels.len();
    match all {
        1 => Some(Finding::warning(
            "one-sentinel",
            "there is only one sentinel: without it nothing fails over",
            "run 3",
        )),
        n if n > 0 && n % 2 == 0 => Some(Finding::warning(
            "even-sentinels",
            format!("{n} sentinels survive no more failures than {}", n - 1),
            format!("run {} or {}", n - 1, n + 1),
        )),
        _ => None,
    }
}
