//! What all sentinels say of a group at one moment.

use holdfast_cluster::{AskError, SentinelClient};
use holdfast_core::names::Address;
use holdfast_core::status::{Decision, GroupStatus};
use std::collections::BTreeSet;

/// The answer of each sentinel that was asked.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    pub(crate) views: Vec<(Address, Result<GroupStatus, AskError>)>,
}

impl Observation {
    /// Asks all of them, at the same time.
    pub(crate) async fn take(client: &SentinelClient) -> Self {
        let mut tasks = tokio::task::JoinSet::new();
        for (i, address) in client.addresses().iter().cloned().enumerate() {
            let client = client.clone();
            tasks.spawn(async move {
                let view = client.status_of(&address).await;
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

    /// The newest view: the highest epoch, and of those the first that names a primary.
    pub(crate) fn best(&self) -> Option<&GroupStatus> {
        self.statuses().max_by_key(|status| {
            (
                status.epoch,
                status.primary.is_some(),
                std::cmp::Reverse(status.sentinel.as_str()),
            )
        })
    }

    /// The views of those that answered.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = &GroupStatus> {
        self.views.iter().filter_map(|(_, view)| view.as_ref().ok())
    }

    /// The decisions of all, oldest first, each once.
    pub(crate) fn decisions(&self) -> Vec<Decision> {
        let mut seen = BTreeSet::new();
        let mut all: Vec<Decision> = self
            .statuses()
            .flat_map(|status| status.decisions.iter().cloned())
            .collect();
        all.retain(|decision| {
            seen.insert((
                decision.at_unix_ms,
                decision.by.clone(),
                decision.text.clone(),
            ))
        });
        all.sort_by_key(|decision| decision.at_unix_ms);
        all
    }
}
