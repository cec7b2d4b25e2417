//! What all sentinels say of a group at one moment.

use holdfast_cluster::{AskError, SentinelClient};
use holdfast_core::names::Address;
use holdfast_core::status::{Decision, GroupStatus};
use std::time::Duration;
use tokio::time::timeout;

/// What one hears of a decision later than another; the same sentence after that is a new decision.
const SAME_WITHIN_MS: u64 = 1_000;
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The answer of each sentinel that was asked.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    pub(crate) views: Vec<(Address, Result<GroupStatus, AskError>)>,
}

impl Observation {
    /// Asks all of them, at the same time.
    pub(crate) async fn take(client: &SentinelClient) -> Self {
        Self::take_within(client, ANSWER_WITHIN).await
    }

    /// Asks all of them and waits for each at most that long.
    pub(crate) async fn take_within(client: &SentinelClient, limit: Duration) -> Self {
        let mut tasks = tokio::task::JoinSet::new();
        for (i, address) in client.addresses().iter().cloned().enumerate() {
            let client = client.clone();
            tasks.spawn(async move {
                let view = timeout(limit, client.status_of(&address)).await;
                let late =
                    || AskError::NoAnswer(address.clone(), format!("nothing within {limit:?}"));
                let view = view.unwrap_or_else(|_| Err(late()));
                (i, address, view)
            });
        }
        let mut answers = tasks.join_all().await;
        answers.sort_by_key(|(i, ..)| *i);
        Self {
            views: answers
                .into_iter()
                .map(|(_, address, view)| (address, view))
                .collect(),
        }
    }

    /// The newest view: the highest epoch, and of those the first that names a primary; else that of the sentinel which
    /// leads the election.
    pub(crate) fn best(&self) -> Option<&GroupStatus> {
        self.statuses().max_by_key(|status| {
            (
                status.epoch,
                status.primary.is_some(),
                status.leads,
                std::cmp::Reverse(status.sentinel.as_str()),
            )
        })
    }

    /// The views of those that answered.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = &GroupStatus> {
        self.views.iter().filter_map(|(_, view)| view.as_ref().ok())
    }

    /// The decisions of all, oldest first, each once: a sentence that reached several sentinels, each a moment
    /// later, is one decision.
    pub(crate) fn decisions(&self) -> Vec<Decision> {
        let mut all: Vec<Decision> = self
            .statuses()
            .flat_map(|status| status.decisions.iter().cloned())
            .collect();
        all.sort_by_key(|decision| decision.at_unix_ms);
        let mut once: Vec<Decision> = Vec::with_capacity(all.len());
        for decision in all {
            match once.iter_mut().rev().find(|known| same(known, &decision)) {
                Some(known) => merge(known, &decision),
                None => once.push(decision),
            }
        }
        once.sort_by_key(|decision| decision.at_unix_ms);
        once
    }
}

/// Whether these are one decision, as two sentinels wrote it down: the same sentence, made in times that meet.
pub(crate) fn same(one: &Decision, other: &Decision) -> bool {
    one.first() < other.at_unix_ms + SAME_WITHIN_MS
        && other.first() < one.at_unix_ms + SAME_WITHIN_MS
        && one.by == other.by
        && one.text == other.text
}

/// One sentinel may have missed some of the repeats that another one heard.
fn merge(known: &mut Decision, heard: &Decision) {
    let repeats = known.repeats.max(heard.repeats);
    known.first_unix_ms = if repeats > 0 {
        known.first().min(heard.first())
    } else {
        0
    };
    known.at_unix_ms = known.at_unix_ms.max(heard.at_unix_ms);
    known.repeats = repeats;
}
