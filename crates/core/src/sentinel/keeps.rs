//! How many keys each choice would keep, for a person who has to choose.

use super::GroupState;
use super::choice::reports;
use crate::names::Node;
use crate::wire::{Report, ServerState};

/// Most nodes that are spoken of one by one.
const TOLD_MAX: usize = 8;

/// What one node would keep.
pub(super) fn of(node: &Node, report: &Report) -> String {
    if report.state != ServerState::Up {
        return match report.doubt.as_str() {
            "" => format!("{node} is not up"),
            doubt => format!("{node} is not started: {doubt}"),
        };
    }
    let noted = match report.noted_keys {
        Some(noted) if noted != report.keys => format!(", {noted} noted"),
        _ => String::new(),
    };
    let doubt = match report.doubt.as_str() {
        "" => String::new(),
        doubt => format!(" ({doubt})"),
    };
    format!("{node} has {} keys in memory{noted}{doubt}", report.keys)
}

/// What each node that is heard would keep.
pub(super) fn of_all(group: &GroupState) -> String {
    let all: Vec<String> = reports(group)
        .map(|(node, report)| of(node, report))
        .collect();
    let (told, rest) = all.split_at(all.len().min(TOLD_MAX));
    match (told.join("; "), rest.len()) {
        (told, 0) => told,
        (told, more) => format!("{told}; and {more} more nodes"),
    }
}

/// What a person gives up and keeps by going on from `node`.
pub(super) fn by_force(group: &GroupState, node: &Node) -> String {
    let chosen = reports(group).find(|(name, _)| *name == node);
    let kept = chosen.map_or_else(|| format!("{node} is not heard"), |(n, r)| of(n, r));
    let others = reports(group).filter(|(name, _)| *name != node);
    let others: Vec<String> = others.take(TOLD_MAX).map(|(n, r)| of(n, r)).collect();
    if others.is_empty() {
        kept
    } else {
        format!("{kept}; given up: {}", others.join("; "))
    }
}
