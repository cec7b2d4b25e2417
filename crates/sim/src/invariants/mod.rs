//! The rules that never bend, a file each. The world calls them at every event that could break one.

pub mod i01_nothing_lost;
pub mod i02_one_writer;
pub mod i03_linear_register;
pub mod i04_nothing_after_seal;
pub mod i05_quorums_meet;
pub mod i06_fit_to_rule;
pub mod i07_empty_never_wins;
pub mod i08_no_read_rolled_back;
pub mod i09_replies_in_order;
pub mod i10_handoff_keeps_all;
pub mod i11_writes_resume;
pub mod i12_bounded;
pub mod i13_position_of_the_data;
pub mod i14_nothing_overwritten;
pub mod i15_never_silent;
pub mod i16_versions;
pub mod i17_no_false_alarm;

use crate::model::Micros;
use crate::report::Violation;
use holdfast_core::limits::SILENT_MAX;
use holdfast_core::names::{Epoch, Incarnation, Sentinel};
use holdfast_core::record::Member;
use holdfast_core::register::Ballot;
use holdfast_core::wire::Report;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the rules remember.
#[derive(Debug, Default)]
pub struct Monitors {
    /// I1, I6: what each sentinel was told of each node.
    pub heard: BTreeMap<(usize, usize), Heard>,
    /// I1: when each attempt to change the register was begun, and thus decided.
    pub begun: BTreeMap<Ballot, Moment>,
    last: Moment,
    /// I1, I6: the appointments that were judged when they were made. The register may carry one on
    /// under other ballots.
    pub appointments: BTreeSet<(u64, Sentinel, Option<Member>)>,
    /// I1: the newest version of the record that any sentinel knew to be committed.
    pub decided: u64,
    /// I1: by incarnation, which node was promoted and what it held then.
    pub promoted: BTreeMap<Incarnation, (usize, Arc<Vec<u64>>)>,
    /// I1: the newest epoch whose primary is on record.
    pub succeeded: Epoch,
    /// I1, I8: versions that appoint a primary which may lack what was released: chosen by what is on disk, or without a rule.
    pub unsure: BTreeSet<u64>,
    /// I1, I8: the newest epoch whose primary was chosen by what is on disk, or by a person.
    pub by_data: Epoch,
    /// I2: the newest epoch for which any node was opened.
    pub opened: u64,
    /// I3: the register as it truly is.
    pub register: i03_linear_register::Register,
    /// I1, I2: registers were put back, and who can still say what they knew.
    pub put_back: Option<PutBack>,
    /// I4: by node, the newest seal that it reported.
    pub seals: BTreeMap<usize, i04_nothing_after_seal::Seal>,
    /// I4: by node, the newest promise that its disk holds.
    pub promised: BTreeMap<usize, Epoch>,
    /// I16: copies that could not be read.
    pub unread: i16_versions::Unread,
    /// I13: what each position stands for.
    pub noted: i13_position_of_the_data::Noted,
}

/// That registers were put back to an older state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// The newest epoch for which any node had been opened.
    pub epoch: Epoch,
    /// The nodes whose agents ran then, and have run on since.
    pub witnesses: BTreeSet<usize>,
}

/// Nanoseconds of simulated time, of which no two are alike: what happens in the same microsecond has an order too.
pub type Moment = u64;

/// What a sentinel was told of a node, and when: the newest report first. A decision that is only now seen may have been
/// made before the newest arrived.
#[derive(Clone, Debug)]
pub struct Heard {
    newest: (Arc<Report>, Moment),
    before: Option<(Arc<Report>, Moment)>,
}

impl Heard {
    /// The report that the sentinel went by at that moment, and when it had arrived.
    pub fn known(&self, moment: Moment) -> Option<&(Arc<Report>, Moment)> {
        let all = [Some(&self.newest), self.before.as_ref()];
        all.into_iter().flatten().find(|(_, at)| *at < moment)
    }
}

impl Monitors {
    /// Whether no process is left that knows what registers that were put back have lost. Nothing can be promised of it then: not
    /// that its rule is kept, nor that its epochs are not given again.
    pub fn is_forgotten(&self) -> bool {
        let put_back = self.put_back.as_ref();
        put_back.is_some_and(|put_back| put_back.witnesses.is_empty())
    }

    /// A sentinel knows a record of this epoch: once it is newer than all before, what was put back is overtaken.
    pub fn overtake(&mut self, epoch: Epoch) {
        self.put_back.take_if(|put_back| epoch > put_back.epoch);
    }

    /// An agent has ended and with it what it was shown. Once all have, versions and epochs are given again.
    pub fn forget_witness(&mut self, node: usize) {
        let Some(put_back) = &mut self.put_back else {
            return;
        };
        put_back.witnesses.remove(&node);
        if put_back.witnesses.is_empty() {
            (self.opened, self.succeeded, self.decided) = (0, 0, 0);
        }
    }

    /// A moment after all that came before.
    pub fn moment(&mut self, now: Micros) -> Moment {
        self.last = (now * 1_000).max(self.last + 1);
        self.last
    }

    /// A report reaches a sentinel.
    pub fn hear(&mut self, now: Micros, sentinel: usize, node: usize, report: &Arc<Report>) {
        let newest = (Arc::clone(report), self.moment(now));
        let before = self.heard.remove(&(sentinel, node)).map(|told| told.newest);
        self.heard
            .insert((sentinel, node), Heard { newest, before });
    }

    /// What `sentinel` knew of `node` at that moment, unless the node had been silent by then for longer than others: what it
    /// said may be long untrue.
    pub fn known(&self, sentinel: usize, node: usize, moment: Moment) -> Option<&Arc<Report>> {
        let nodes = self.heard.range((sentinel, 0)..=(sentinel, usize::MAX));
        let newest = nodes
            .filter_map(|(_, told)| Some(told.known(moment)?.1))
            .max()?;
        let (report, at) = self.heard.get(&(sentinel, node))?.known(moment)?;
        Some(report).filter(|_| *at + SILENT_MAX * 1_000_000 >= newest)
    }

    /// A sentinel has ended and with it what it knew.
    pub fn forget_reports(&mut self, sentinel: usize) {
        self.heard.retain(|(by, _), _| *by != sentinel);
    }

    /// I12.
    pub fn bounded(&self, now: Micros, what: &str, length: usize, violations: &mut Vec<Violation>) {
        violations.extend(i12_bounded::check(now, what, length));
    }
}
