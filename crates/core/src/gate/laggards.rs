//! Members that hold everybody up, or would if another one failed.

use super::Micros;
use super::acks::Acks;
use crate::names::Node;
use crate::syncset::SyncRule;
use std::collections::BTreeSet;

/// How long a member may be behind before it is told. Several barriers have asked it by then.
const PATIENCE: Micros = 300_000;

/// Compares what the members have with where the stream was a while ago.
#[derive(Debug, Default)]
pub(super) struct Laggards {
    /// When the stream was how far.
    mark: Option<(Micros, u64)>,
    told: BTreeSet<Node>,
}

impl Laggards {
    /// At a barrier's first reply: those behind, if they are others than were told before.
    pub(super) fn judge(
        &mut self,
        now: Micros,
        offset: u64,
        acks: &Acks,
        rules: &[SyncRule],
    ) -> Option<BTreeSet<Node>> {
        let (at, before) = *self.mark.get_or_insert((now, offset));
        if now < at + PATIENCE {
            return None;
        }
        self.mark = Some((now, offset));
        let members = rules.iter().flat_map(|rule| rule.members.keys());
        let behind = members.filter(|node| !acks.has(node, before));
        let behind: BTreeSet<Node> = behind.cloned().collect();
        (behind != self.told).then(|| {
            self.told.clone_from(&behind);
            behind
        })
    }
}
