//! How often what happened to a group.

use holdfast_core::sentinel::Happening;
use holdfast_core::time::Millis;
use holdfast_probes::Seconds;

/// Counts since this sentinel started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) suspicions: u64,
    pub(crate) elections: u64,
    pub(crate) handoffs: u64,
    pub(crate) switches: u64,
    pub(crate) reboots: u64,
    pub(crate) decisions: u64,
    /// Since when the primary is suspected.
    suspected: Option<Millis>,
    /// Since when it is being replaced, and whether that was planned.
    began: Option<(Millis, bool)>,
}

/// How long changes of primary took, over all groups, from the first suspicion or the wish to the announcement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Durations {
    pub(crate) failovers: Seconds,
    pub(crate) handoffs: Seconds,
}

impl Tally {
    /// Counts one happening. `planned`: the register names the target of a handoff.
    pub(crate) fn note(
        &mut self,
        now: Millis,
        happening: &Happening,
        planned: bool,
        durations: &Durations,
    ) {
        match happening {
            Happening::Suspected(_) => {
                self.suspicions += 1;
                self.suspected.get_or_insert(now);
            }
            Happening::Cleared(_) => self.suspected = None,
            Happening::Electing(_) => {
                *(if planned {
                    &mut self.handoffs
                } else {
                    &mut self.elections
                }) += 1;
                let running = self.began.map(|(began, _)| began);
                let suspected = self.suspected.filter(|_| !planned);
                let since = running.or(suspected).unwrap_or(now);
                self.began = Some((since, planned));
            }
            Happening::Switched { .. } => {
                self.switches += 1;
                self.end(now, durations);
            }
            Happening::Rebooted(_) => self.reboots += 1,
            _ => {}
        }
    }

    fn end(&mut self, now: Millis, durations: &Durations) {
        self.suspected = None;
        // None at the first start: nothing was replaced.
        let Some((began, planned)) = self.began.take() else {
            return;
        };
        let kind = if planned {
            &durations.handoffs
        } else {
            &durations.failovers
        };
        kind.note_ms(now.saturating_sub(began));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_core::names::Address;

    fn switched() -> Happening {
        Happening::Switched {
            from: None,
            to: Address::new("127.0.0.1", 1),
        }
    }

    #[test]
    fn a_failover_is_counted_from_the_first_suspicion() {
        let (mut tally, durations) = (Tally::default(), Durations::default());
        tally.note(100, &Happening::Suspected("a".into()), false, &durations);
        tally.note(150, &Happening::Electing(2), false, &durations);
        // The suspicion was of a primary that is none any more.
        tally.note(160, &Happening::Cleared("a".into()), false, &durations);
        assert_eq!(tally.began, Some((100, false)));
        tally.note(200, &switched(), false, &durations);
        assert_eq!((tally.elections, tally.switches, tally.began), (1, 1, None));
    }

    #[test]
    fn a_handoff_that_became_an_election_counts_as_both() {
        let (mut tally, durations) = (Tally::default(), Durations::default());
        tally.note(0, &Happening::Electing(2), true, &durations);
        tally.note(500, &Happening::Electing(3), false, &durations);
        assert_eq!((tally.handoffs, tally.elections), (1, 1));
        assert_eq!(tally.began, Some((0, false)));
    }

    #[test]
    fn a_suspicion_that_passes_leaves_nothing_to_count() {
        let (mut tally, durations) = (Tally::default(), Durations::default());
        tally.note(0, &Happening::Suspected("a".into()), false, &durations);
        tally.note(10, &Happening::Cleared("a".into()), false, &durations);
        assert_eq!((tally.suspicions, tally.suspected), (1, None));
    }
}
