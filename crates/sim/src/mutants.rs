//! The bugs that are planted to see that the simulator finds them.

use crate::config::Config;
use crate::explore::explore;
use crate::report::RunReport;
use holdfast_core::mutant::Mutant;

/// Looks for a planted bug in up to `seeds` runs on `jobs` threads. What was found first, by seed.
///
/// Each mutant has invariants of its own: a run that breaks another one does not count.
pub fn find(mutant: Mutant, seeds: u64, jobs: usize) -> Option<RunReport> {
    let config = Config {
        mutant,
        ..Config::default()
    };
    let mut from = 0;
    while from < seeds {
        let until = (from + 500).min(seeds);
        let summary = explore(from..until, jobs, &config, |_| true);
        let found = summary.failures.into_iter().find(|failure| {
            failure
                .violations
                .first()
                .is_some_and(|violation| breaks(mutant).contains(&violation.invariant))
        });
        if found.is_some() {
            return found;
        }
        from = until;
    }
    None
}

/// The invariants by which a planted bug may show.
pub fn breaks(mutant: Mutant) -> &'static [&'static str] {
    match mutant {
        Mutant::None | Mutant::SkipPreviousRule => &[],
        Mutant::ReportBeforeSeal => &["i01_nothing_lost", "i04_nothing_after_seal"],
        Mutant::IgnoreIncarnation | Mutant::CompareOffsetsOnly => &[
            "i01_nothing_lost",
            "i06_fit_to_rule",
            "i07_empty_never_wins",
        ],
        Mutant::AcceptLoading => &[
            "i01_nothing_lost",
            "i06_fit_to_rule",
            "i07_empty_never_wins",
            "i11_writes_resume",
        ],
        Mutant::ForgetPromise => &[
            "i02_one_writer",
            "i04_nothing_after_seal",
            "i06_fit_to_rule",
        ],
        Mutant::AnswerBeforeDisk | Mutant::ReuseIdentity => {
            &["i01_nothing_lost", "i02_one_writer", "i03_linear_register"]
        }
        Mutant::SkipLeaseWait | Mutant::GrantWhileElecting | Mutant::AgentIgnoresLease => {
            &["i02_one_writer", "i04_nothing_after_seal"]
        }
        Mutant::PromoteEmpty => &["i07_empty_never_wins"],
        Mutant::HandoffWithoutCatchUp => &["i10_handoff_keeps_all"],
    }
}

/// Planted bugs that a run in `async` durability can show. The others are masked by a second line of
/// defence, or need `quorum` durability, and are left to the model of the election.
pub fn findable() -> impl Iterator<Item = Mutant> {
    let masked = [
        Mutant::SkipPreviousRule,
        Mutant::AcceptLoading,
        Mutant::ForgetPromise,
    ];
    Mutant::ALL
        .into_iter()
        .filter(move |mutant| !masked.contains(mutant))
}
