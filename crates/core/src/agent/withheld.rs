//! Keys that an empty reign would replace.
//!
//! In `async` durability a primary may be followed by a replica that has none of its keys yet: it was cut off before its
//! first writes had reached anybody. When it comes back, to follow would be to lose them for good. What a failover loses
//! otherwise is the last moment of a data set; this would be all of it. So it stays sealed until a person decides.

use super::{Agent, AgentOutput, Decision, Standing};
use crate::record::Record;

impl Agent {
    /// Whether this node has keys that the reigns since do not have, because one of them began without any.
    pub fn is_withheld(&self) -> bool {
        let outlived = |record: &Record| {
            let obeys = match &self.standing {
                Standing::Following(epoch, _) => *epoch == record.epoch,
                standing => standing.is_master(),
            };
            !obeys && self.info.keys > 0 && self.goes_beyond_an_empty(record)
        };
        self.record.as_deref().is_some_and(outlived)
    }

    /// Whether its data are of before a reign that began without keys, and not just older than where they were left: then
    /// that reign's history says how the keys went.
    fn goes_beyond_an_empty(&self, record: &Record) -> bool {
        let Some(own) = self.position().or(self.stored.position) else {
            return false;
        };
        let mut since = record.history.iter().filter(|r| r.epoch > own.epoch);
        let known = self.reach().is_some();
        let left = since.clone().next();
        let beyond = left.is_some_and(|reign| !known || own.offset > reign.start);
        beyond && since.any(|reign| reign.empty)
    }

    /// Says so once.
    pub(super) fn notice_withheld(&mut self, out: &mut Vec<AgentOutput>) {
        let withheld = self.is_withheld();
        if withheld == std::mem::replace(&mut self.withheld, withheld) {
            return;
        }
        self.urgent = true;
        if withheld {
            out.push(AgentOutput::Decide(Decision::Withheld(self.why_withheld())));
        }
    }

    /// The reason, and what a person can do.
    pub(super) fn why_withheld(&self) -> String {
        format!(
            "it has {} keys of epoch {}, and the group went on without any; to give them up, stop its agent, empty its data folder and start it again",
            self.info.keys,
            self.position()
                .or(self.stored.position)
                .unwrap_or_default()
                .epoch
        )
    }
}
