//! What a run is made of.

use crate::kind::FaultKind;
use crate::mutants;
use holdfast_core::mutant::Mutant;
use holdfast_core::record::Durability;
use std::collections::BTreeSet;

/// Settings of a run; everything else comes from the seed.
#[derive(Clone, Debug)]
pub struct Config {
    /// Data nodes; 0: 2 to 5, by the seed.
    pub nodes: usize,
    /// Sentinels; 0: 3 or (seldom) 5, by the seed.
    pub sentinels: usize,
    /// Clients that write; 0: 2 to 5, by the seed.
    pub clients: usize,
    /// Seconds of simulated time during which faults happen.
    pub fault_seconds: u64,
    /// Most seconds after the last fault; a run ends sooner once everything is well again.
    pub quiet_seconds: u64,
    /// What an acknowledgement promises; none: `async` or `quorum`, by the seed.
    pub durability: Option<Durability>,
    /// Which of the kinds of faults that may be switched off happen; none: the default mix of what the run promises.
    pub faults: Option<BTreeSet<FaultKind>>,
    /// The bug that is planted, to see that the simulator finds it.
    pub mutant: Mutant,
    /// Whether to record what happens, a line each.
    pub trace: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            nodes: 0,
            sentinels: 0,
            clients: 0,
            fault_seconds: 12,
            quiet_seconds: 40,
            durability: None,
            faults: None,
            mutant: Mutant::None,
            trace: false,
        }
    }
}

impl Config {
    /// The kinds of faults of a run that promises this: what is asked for, and what the planted bug needs.
    pub fn kinds(&self, durability: Durability) -> BTreeSet<FaultKind> {
        let asked = self.faults.clone();
        let mut kinds = asked.unwrap_or_else(|| FaultKind::default_mix(durability));
        kinds.extend(mutants::faults(self.mutant));
        kinds
    }
}
