//! What is done about a redis-server that lives and does not serve: a script that runs, a client's pause.
//!
//! ```text
//!  busy    script_limit over ─▶ SCRIPT KILL, FUNCTION KILL ─▶ well
//!                                   │ -UNKILLABLE, or not ended within 2 s
//!  paused  60 s over ───────────────┴─▶ a primary counts as hung: it is replaced if a replica can take over
//!                                       any other redis-server is killed and starts again
//! ```
//!
//! A primary that is not replaced starts again as well, if its append-only file holds all that it has answered. If only its
//! memory holds its data, a person has to end it.

use super::{Agent, AgentOutput, Decision, KillReason, Operation};
use crate::limits::SCRIPT_ENDS_WITHIN;
use crate::mutant::Mutant;
use crate::time::Millis;
use crate::wire::{Condition, ServerState};

/// Time between two tries to end a script.
const RETRY: Millis = 100;

/// A primary that counts as hung is replaced within this time, or no replica can take over.
const HEIR_WITHIN: Millis = 2_000;

/// A condition, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unwell {
    condition: Condition,
    since: Millis,
    next_try: Millis,
    /// It was said that its script is ended.
    told: bool,
    /// Since when it counts as hung, because nothing else ends this.
    hung_since: Option<Millis>,
}

impl Agent {
    /// What keeps redis-server from serving, as far as is known.
    pub(super) fn condition(&self) -> Condition {
        self.unwell
            .map_or(Condition::Well, |unwell| unwell.condition)
    }

    /// redis-server is in this condition, and has been for that long.
    pub(super) fn on_condition(&mut self, now: Millis, condition: Condition, for_ms: Millis) {
        let overlooked =
            condition == Condition::Busy && self.settings.mutant == Mutant::TakeBusyForWell;
        if overlooked || condition == self.condition() {
            return;
        }
        let told = now.saturating_sub(for_ms);
        // redis-server says that it is busy only after seconds: the script began when a look was answered last.
        let began = condition == Condition::Busy && self.unwell.is_none();
        // Given up for what kept it from serving before, it may do better with this.
        let gave_up = self.unwell.is_some_and(|u| u.hung_since.is_some());
        if gave_up || condition.word().is_none() {
            self.on_recovered();
        }
        self.unwell = condition.word().map(|_| Unwell {
            condition,
            since: if began {
                told.min(self.answered_at)
            } else {
                told
            },
            next_try: now,
            told: false,
            hung_since: None,
        });
        self.reason = self.why_unwell(condition);
        self.urgent = true;
    }

    fn why_unwell(&self, condition: Condition) -> String {
        let limit = self.settings.script_limit;
        match condition {
            Condition::Well | Condition::Unknown => String::new(),
            Condition::Busy if limit == 0 => {
                "it runs a script, and script_limit_seconds is 0: end it with SCRIPT KILL"
                    .to_owned()
            }
            Condition::Busy => {
                format!("it runs a script, which is ended after {limit} ms (script_limit_seconds)")
            }
            Condition::Paused => format!(
                "paused by a client (CLIENT PAUSE): it answers nobody; waited for until {} ms are over",
                self.settings.pause_limit
            ),
            Condition::Crowded => {
                "no place: maxclients is reached, so its agent cannot get in".to_owned()
            }
        }
    }

    /// Ends what has lasted for too long.
    pub(super) fn tend_condition(&mut self, now: Millis, out: &mut Vec<AgentOutput>) {
        let Some(unwell) = self.unwell else { return };
        self.end_heirless(now, unwell, out);
        if self.running.is_some() || !matches!(self.server, ServerState::Up | ServerState::Loading)
        {
            return;
        }
        let (lasted, limit) = (now.saturating_sub(unwell.since), self.settings.script_limit);
        match unwell.condition {
            Condition::Busy if limit == 0 || lasted < limit => {}
            Condition::Busy if lasted >= limit + SCRIPT_ENDS_WITHIN => {
                let why = format!("a script has run for {lasted} ms and cannot be ended");
                self.give_up(now, &why, out);
            }
            Condition::Busy if now >= unwell.next_try => self.end_script(lasted, out),
            Condition::Paused if lasted >= self.pause_limit() => {
                let why = format!("a client's CLIENT PAUSE has kept it silent for {lasted} ms");
                self.give_up(now, &why, out);
            }
            _ => {}
        }
    }

    fn end_script(&mut self, lasted: Millis, out: &mut Vec<AgentOutput>) {
        let first = self
            .unwell
            .as_mut()
            .is_some_and(|unwell| !std::mem::replace(&mut unwell.told, true));
        if first {
            out.push(AgentOutput::Decide(Decision::ScriptEnded {
                lasted,
                limit: self.settings.script_limit,
            }));
        }
        self.start(Operation::EndScript, out);
    }

    /// A script was ended, or has ended by itself just before. If redis-server is still busy then another one runs, whose
    /// time begins now.
    pub(super) fn on_script_ended(&mut self, now: Millis) {
        if let Some(unwell) = &mut self.unwell {
            (unwell.since, unwell.told) = (now, false);
        }
    }

    /// A script that has written cannot be ended, only the process can. Nothing of what it wrote has been answered,
    /// replicated or written to the append-only file, so no acknowledgement rests on it.
    pub(super) fn on_script_unended(&mut self, now: Millis, why: &str, out: &mut Vec<AgentOutput>) {
        let Some(unwell) = &mut self.unwell else {
            return;
        };
        unwell.next_try = now + RETRY;
        let lasted = now.saturating_sub(unwell.since);
        self.reason = format!("a script has run for {lasted} ms; ending it failed: {why}");
        if why.contains("UNKILLABLE") {
            let why = format!("a script that has written runs for {lasted} ms and cannot be ended");
            self.give_up(now, &why, out);
        }
    }

    fn pause_limit(&self) -> Millis {
        if self.settings.mutant == Mutant::WaitOutEveryPause {
            Millis::MAX
        } else {
            self.settings.pause_limit
        }
    }

    /// Ends a primary that was not replaced in time, if its append-only file holds all that it has answered.
    fn end_heirless(&mut self, now: Millis, unwell: Unwell, out: &mut Vec<AgentOutput>) {
        let waited = unwell
            .hung_since
            .is_some_and(|since| now >= since + HEIR_WITHIN);
        let waits = self.settings.mutant == Mutant::WaitForAnHeirForEver;
        if waited && !waits && self.server == ServerState::Hung && self.info.logged {
            let unwell = self.reason.clone();
            self.kill(KillReason::WithoutHeir(unwell, HEIR_WITHIN), out);
        }
    }

    /// Whether a primary is replaced is the sentinels' to decide: without a replica that can take over, its data may be
    /// nowhere else. The others hold a copy.
    fn give_up(&mut self, now: Millis, why: &str, out: &mut Vec<AgentOutput>) {
        self.urgent = true;
        why.clone_into(&mut self.reason);
        if !self.standing.is_master() {
            return self.kill(KillReason::Unwell(why.to_owned()), out);
        }
        self.server = ServerState::Hung;
        if let Some(unwell) = &mut self.unwell {
            unwell.hung_since = Some(now);
        }
        if !self.info.logged {
            self.reason
                .push_str("; to end its process gives up what only its memory holds");
        }
    }
}
