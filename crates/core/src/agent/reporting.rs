//! What the sentinels are told, and when.

use super::{Agent, AgentOutput, Standing};
use crate::limits::{REPORT_HELD, REPORT_PRIMARY, REPORT_REPLICA};
use crate::mutant::Mutant;
use crate::names::Epoch;
use crate::record::Phase;
use crate::server_version::ServerVersion;
use crate::time::Millis;
use crate::wire::{Report, ServerState};

/// Pace at which the position is noted on disk, without waiting for the disk.
const NOTE_EVERY: Millis = 1000;

impl Agent {
    pub(super) fn report(&mut self, now: Millis, out: &mut Vec<AgentOutput>) {
        if self.urgent || now >= self.next_report {
            self.urgent = false;
            self.next_report = now + self.pace();
            out.push(AgentOutput::Broadcast(Box::new(self.compose(now))));
        }
        if now >= self.next_note && !self.storing {
            self.next_note = now + NOTE_EVERY;
            self.note(out);
        }
    }

    /// Notes how far the data reached when the files were looked at last, and what they were. While the files do not hold what
    /// is in memory, and in doubt, the note before stays: it is true of the files.
    fn note(&mut self, out: &mut Vec<AgentOutput>) {
        if !self.stored.member || !self.is_notable() {
            return;
        }
        let latest = self.doubts.latest().map(Box::new);
        let latest = latest.or(self.stored.latest.clone());
        let settled = self.doubts.take_settled().or(self.stored.noted.clone());
        if latest != self.stored.latest || settled != self.stored.noted {
            // A loss of power must not take the first note of new files; nor any, where it takes nothing of the files either.
            let known = self.stored.latest.as_ref().zip(latest.as_ref());
            let same = known.is_some_and(|(known, latest)| known.same_files(latest));
            let durable = !same || self.settings.on_disk;
            self.storing = durable;
            self.stored.position = latest.as_ref().and_then(|latest| latest.position);
            self.stored.latest = latest;
            self.stored.noted = settled;
            out.push(AgentOutput::Store {
                stored: self.stored.clone(),
                durable,
            });
        }
    }

    /// Whether the files hold what memory holds, and that is known to be of this group.
    pub(super) fn is_notable(&self) -> bool {
        let held = self.info.persisted && self.doubt().is_none() && !self.is_shorter();
        self.server == ServerState::Up && held
    }

    /// Name and number of the redis-server that runs, or else of the program.
    pub(super) fn runs_as(&self) -> Option<ServerVersion> {
        let running = matches!(self.server, ServerState::Up | ServerState::Loading);
        let said = self.info.server.clone().filter(|_| running);
        said.or_else(|| self.settings.server.clone())
    }

    /// A primary that serves by acknowledgements asks for no lease, and is missed sooner.
    fn pace(&self) -> Millis {
        if self.wants_lease() > 0 {
            REPORT_PRIMARY
        } else if self.reign_of_this() > 0 {
            REPORT_HELD
        } else {
            REPORT_REPLICA
        }
    }

    /// The epoch for which this node asks a lease: where it rules, or is about to, and replies wait for nobody.
    fn wants_lease(&self) -> Epoch {
        let held = self.record.as_ref().is_some_and(|r| r.sync.k > 0);
        if held { 0 } else { self.reign_of_this() }
    }

    /// The epoch that this node rules, or is about to.
    fn reign_of_this(&self) -> Epoch {
        let (Some(record), Some(incarnation)) = (&self.record, &self.incarnation) else {
            return 0;
        };
        let rules = record.is_primary(&self.settings.node, incarnation)
            || self.standing == Standing::Promoted(record.epoch);
        let alive = self.server == ServerState::Up || self.server == ServerState::Hung;
        if rules && alive && record.epoch <= self.stored.promised {
            record.epoch
        } else {
            0
        }
    }

    fn compose(&self, now: Millis) -> Report {
        let early = match self.settings.mutant {
            Mutant::ReportBeforeSeal => true,
            Mutant::AcceptLoading => self.server == ServerState::Loading,
            _ => false,
        };
        let electing = self
            .record
            .as_ref()
            .filter(|r| early && r.phase == Phase::Electing && r.handoff.is_none());
        let up = self.server == ServerState::Up;
        let reach = self.reach();
        let not_copying = self.why_not_copying();
        Report {
            address: Some(self.settings.address.clone()),
            priority: self.settings.priority,
            promised: self.stored.promised,
            version: self.record.as_ref().map_or(0, |r| r.version),
            asks_newest: self.asks_newest(),
            state: self.server,
            condition: self.condition(),
            incarnation: self.incarnation.clone(),
            is_master: self.info.is_master,
            replid: self.info.replid.clone(),
            history: reach.map_or(0, |reach| reach.epoch),
            offset: reach.map_or(self.info.offset, |reach| reach.offset),
            caught_up: self.caught_up,
            link_up: self.info.link_up,
            syncing: self.info.syncing,
            sealed: match self.standing {
                Standing::Sealed(epoch) if up => epoch,
                _ => electing.map_or(0, |r| r.epoch),
            },
            paused: if let Standing::Paused(epoch) = self.standing {
                epoch
            } else {
                0
            },
            promoted: match self.standing {
                Standing::Promoted(epoch) | Standing::Open(epoch) => epoch,
                _ => 0,
            },
            open: self.standing.is_open(),
            lease_epoch: self.wants_lease(),
            sent_at: now,
            stored: self.position(),
            // A copy may be whole before the link was seen to be up.
            blank: self.data.blank && !(up && self.info.keys > 0),
            foreign: self.data.foreign,
            withheld: self.withheld,
            doubt: self.told_doubt(),
            shorter: self.is_shorter(),
            noted_keys: self.stored.newest_note().map(|noted| noted.keys),
            stuck: not_copying.is_some(),
            keys: self.info.keys,
            memory_bytes: self.info.memory_bytes,
            unanswered_ms: now.saturating_sub(self.answered_at),
            reason: if self.withheld {
                self.why_withheld()
            } else {
                not_copying.unwrap_or_else(|| self.reason.clone())
            },
            ailing: self.info.ailing,
            leaving: self.stop.is_some_and(|s| s.handoff && !s.ordered),
            confirmed: self.confirmed,
            lagging: self.lagging.clone(),
            disk: self.stored.disk.clone(),
            stamp: self.info.stamp.filter(|_| up),
            server: self.runs_as(),
        }
    }
}
