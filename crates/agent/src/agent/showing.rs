//! What the loop notes so that it can be shown: to the audience at once, over HTTP when asked.

use super::now;
use crate::audience::{Audience, Incident, Role};
use crate::facts::{Counts, Facts};
use crate::options::Options;
use holdfast_core::agent::{Agent, AgentOutput, Operation};
use holdfast_core::names::Epoch;
use holdfast_core::time::Millis;
use holdfast_core::wire::Report;

/// Everything that is shown and that the core does not keep.
pub(super) struct Showing {
    audience: Box<dyn Audience>,
    options: Options,
    role: Option<(Role, Epoch)>,
    report: Report,
    deadline: Option<Millis>,
    stopping: bool,
    counts: Counts,
}

impl Showing {
    pub(super) fn new(options: Options, audience: Box<dyn Audience>) -> Self {
        Self {
            audience,
            options,
            role: None,
            report: Report::default(),
            deadline: None,
            stopping: false,
            counts: Counts::default(),
        }
    }

    /// The options are other ones now.
    pub(super) fn configured(&mut self, options: &Options) {
        self.options = options.clone();
    }

    /// This agent is told to end: what follows is no incident.
    pub(super) fn note_stop(&mut self) {
        self.stopping = true;
    }

    /// Notes what the core wants done.
    pub(super) fn note(&mut self, output: &AgentOutput) {
        match output {
            AgentOutput::Broadcast(report) => self.note_report(report),
            AgentOutput::Deadline(until) => self.deadline = *until,
            AgentOutput::Decide(_) => self.counts.decisions += 1,
            AgentOutput::Do(Operation::Start) => self.counts.starts += 1,
            AgentOutput::Do(Operation::Promote) => self.counts.promotions += 1,
            AgentOutput::Do(Operation::Seal) => self.counts.seals += 1,
            _ => {}
        }
    }

    fn note_report(&mut self, report: &Report) {
        for incident in Incident::between(&self.report, report) {
            match incident {
                Incident::Ended => self.counts.deaths += 1,
                Incident::Hung => self.counts.hangs += 1,
                Incident::Closed => self.counts.closings += 1,
                Incident::Quarantined | Incident::Ailing => {}
            }
            if !self.stopping {
                self.audience.incident(incident, &report.reason);
            }
        }
        self.report.clone_from(report);
    }

    /// Tells the audience if this node has become something else.
    pub(super) fn look(&mut self, core: &Agent) {
        let role = Role::of(core.standing());
        if role.is_some() && role != self.role {
            self.role = role;
            role.inspect(|(role, epoch)| self.audience.role(*role, *epoch));
        }
    }

    /// All that is known now.
    pub(super) fn facts(&self, core: &Agent, connected: usize, turned_away: u64) -> Facts {
        let counts = Counts {
            turned_away,
            ..self.counts
        };
        Facts {
            group: self.options.group.clone(),
            node: self.options.name.clone(),
            role: self.role.map(|(role, _)| role).unwrap_or_default(),
            standing: core.standing().clone(),
            report: self.report.clone(),
            record: core.record().map(|record| (record.epoch, record.version)),
            lease_ms: self.deadline.map_or(0, |until| until.saturating_sub(now())),
            sentinels: (connected, self.options.sentinels.len()),
            counts,
        }
    }
}
