//! The bugs that are planted to see that the simulator finds them.

use crate::config::Config;
use crate::explore::explore;
use crate::kind::FaultKind;
use crate::report::RunReport;
use holdfast_core::mutant::Mutant;
use holdfast_core::record::Durability;
use std::ops::Range;

/// Runs between two looks at what they brought.
const BATCH: u64 = 16;

/// A planted bug that has shown itself.
#[derive(Clone, Debug)]
pub struct Found {
    /// The run in which it did.
    pub report: RunReport,
    /// Seeds that were needed, this one included.
    pub seeds: u64,
    /// The rule of its own that it broke.
    pub invariant: &'static str,
}

/// Looks for the bug that `config` plants, on `jobs` threads, up to the smallest of `seeds` that shows it.
///
/// Each mutant has invariants of its own: a run that breaks another one does not count.
pub fn find(config: &Config, seeds: Range<u64>, jobs: usize) -> Option<Found> {
    let batches = seeds.clone().step_by(BATCH as usize);
    let shown = batches
        .map(|from| explore(from..seeds.end.min(from + BATCH), jobs, config, |_| true))
        .flat_map(|summary| summary.failures)
        .find_map(|report| Some((own_rule(config.mutant, &report)?, report)));
    shown.map(|(invariant, report)| Found {
        seeds: report.seed - seeds.start + 1,
        invariant,
        report,
    })
}

fn own_rule(mutant: Mutant, report: &RunReport) -> Option<&'static str> {
    let broken = report.violations.first()?.invariant;
    breaks(mutant).contains(&broken).then_some(broken)
}

/// The invariants by which a planted bug may show in a run.
pub fn breaks(mutant: Mutant) -> &'static [&'static str] {
    match mutant {
        Mutant::None | Mutant::ForgetDatabase => &[],
        Mutant::CopyWhatCannotBeRead | Mutant::HandOverBackwards => &["i16_versions"],
        Mutant::ClaimAReignEarly | Mutant::RememberAcknowledgements => &[
            "i01_nothing_lost",
            "i08_no_read_rolled_back",
            "i10_handoff_keeps_all",
        ],
        Mutant::WaitForAnHeirForEver | Mutant::TakeBusyForWell | Mutant::WaitOutEveryPause => {
            &["i11_writes_resume", "i15_never_silent"]
        }
        Mutant::BelieveARememberedPosition | Mutant::LoadWhatWasTruncated => &[
            "i01_nothing_lost",
            "i07_empty_never_wins",
            "i13_position_of_the_data",
            "i14_nothing_overwritten",
        ],
        Mutant::RememberAnOldLook => &["i17_no_false_alarm"],
        Mutant::StartBesideIgnoredFiles => &["i14_nothing_overwritten"],
        Mutant::TrustARegisterPutBack => &[
            "i01_nothing_lost",
            "i02_one_writer",
            "i03_linear_register",
            "i04_nothing_after_seal",
            "i15_never_silent",
        ],
        Mutant::SkipPreviousRule
        | Mutant::ForgetFormerRule
        | Mutant::AckBeforeFsync
        | Mutant::OffsetInsteadOfStamp
        | Mutant::KeepVoteOverCopy => &["i01_nothing_lost"],
        Mutant::ReleaseEarly
        | Mutant::TrustAnySentinel
        | Mutant::TrustWait
        | Mutant::CountConnections
        | Mutant::CountAForgedAcknowledgement
        | Mutant::ReleaseNoOps => &["i01_nothing_lost", "i08_no_read_rolled_back"],
        Mutant::ReportBeforeSeal => &["i01_nothing_lost", "i04_nothing_after_seal"],
        Mutant::IgnoreIncarnation | Mutant::CompareOffsetsOnly => &[
            "i01_nothing_lost",
            "i06_fit_to_rule",
            "i07_empty_never_wins",
        ],
        Mutant::AcceptLoading => &["i06_fit_to_rule"],
        Mutant::ForgetPromise => &["i04_nothing_after_seal"],
        Mutant::AnswerBeforeDisk | Mutant::ReuseIdentity => {
            &["i01_nothing_lost", "i02_one_writer", "i03_linear_register"]
        }
        Mutant::SkipLeaseWait
        | Mutant::GrantWhileElecting
        | Mutant::AgentIgnoresLease
        | Mutant::CountGrants => &["i02_one_writer", "i04_nothing_after_seal"],
        Mutant::PromoteEmpty => &["i07_empty_never_wins"],
        Mutant::TrustUnnotedData => &["i06_fit_to_rule", "i07_empty_never_wins"],
        Mutant::HandoffWithoutCatchUp => &["i10_handoff_keeps_all"],
    }
}

/// What has to be promised for a planted bug to show at all; none: whatever the seed draws.
pub fn durability(mutant: Mutant) -> Option<Durability> {
    let on_disk = matches!(
        mutant,
        Mutant::AckBeforeFsync | Mutant::OffsetInsteadOfStamp | Mutant::KeepVoteOverCopy
    );
    on_disk.then_some(Durability::Fsync)
}

/// The kinds of faults without which a planted bug does not show; none: those of the default mix.
pub fn faults(mutant: Mutant) -> &'static [FaultKind] {
    match mutant {
        Mutant::CopyWhatCannotBeRead | Mutant::HandOverBackwards => &[FaultKind::MixedVersions],
        Mutant::BelieveARememberedPosition => &[FaultKind::FailedCopies, FaultKind::DamagedFiles],
        Mutant::LoadWhatWasTruncated | Mutant::StartBesideIgnoredFiles => {
            &[FaultKind::DamagedFiles]
        }
        Mutant::TrustARegisterPutBack | Mutant::TrustUnnotedData => &[FaultKind::PutBack],
        _ => &[],
    }
}

/// Planted bugs that a run can show.
pub fn findable() -> impl Iterator<Item = Mutant> {
    Mutant::ALL
        .into_iter()
        .filter(|mutant| !breaks(*mutant).is_empty())
}
