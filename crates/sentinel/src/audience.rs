//! Who outside is told what this sentinel decides. Told, never asked: nothing here hangs on the answer.

use holdfast_core::decided::Decided;
use holdfast_core::names::{Epoch, Group, Node, Sentinel};
use holdfast_core::record::{Phase, Record};
use holdfast_core::register::Voters;
use holdfast_core::sentinel::GroupState;

/// One decision that a person wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What kind of decision, as one word.
    pub reason: &'static str,
    /// Whether something is or was wrong.
    pub warning: bool,
    /// The node that it is about; none when it is about the sentinels themselves.
    pub node: Option<Node>,
    /// The decision, in a sentence.
    pub text: String,
    /// The same for the same decision, also when another sentinel tells it.
    pub key: String,
}

/// Somebody outside who is told. Must return at once: the sentinel's loop does not wait.
pub trait Audience {
    /// This was decided.
    fn decided(&self, event: Event);
}

/// Nobody is told.
impl Audience for () {
    fn decided(&self, _: Event) {}
}

impl Event {
    /// What a change of the voters by this sentinel is to those outside.
    pub(crate) fn of_voters(voters: &Voters) -> Self {
        Self {
            reason: "SentinelsChanged",
            warning: false,
            node: None,
            text: voters.to_string(),
            key: voters.to_string(),
        }
    }

    /// What a decision of `me` about a group is to those outside; `before` is the epoch and phase of the decision
    /// told before. Nothing when only a step of one that was told already.
    pub(crate) fn of(
        me: &Sentinel,
        name: &Group,
        group: &GroupState,
        before: Option<(Epoch, Phase)>,
        said: &Decided,
    ) -> Option<Self> {
        let record = group.record();
        let written = record.filter(|record| record.by == *me && record.reason == *said);
        let (reason, warning) = match written {
            Some(record) => kind(record, before)?,
            None => ("Waiting", true),
        };
        let version = record.map_or(0, |record| record.version);
        Some(Self {
            reason,
            warning,
            node: record
                .and_then(|record| record.primary.as_ref())
                .map(|primary| primary.node.clone()),
            text: said.text.clone(),
            key: format!("{name} {version} {said}"),
        })
    }
}

fn kind(record: &Record, before: Option<(Epoch, Phase)>) -> Option<(&'static str, bool)> {
    let same = before == Some((record.epoch, record.phase));
    match record.phase {
        Phase::Electing if record.handoff.is_some() => Some(("Handoff", false)),
        Phase::Electing if same => Some(("ElectionResumed", true)),
        Phase::Electing => Some(("PrimaryDeposed", true)),
        Phase::Appointed => Some(("PrimaryAppointed", false)),
        Phase::Stable if same => Some(("NodesChanged", false)),
        // The appointed one serves: that was to be expected.
        Phase::Stable => None,
    }
}
