//! The history of a round, in memory and on disk.

use crate::client::{Answer, Sighting, Switch};
use crate::clock::Micros;
use crate::history::{Action, Operation, Outcome, Pulse};
use crate::workload::CrewLog;
use anyhow::{Context, Result};
use std::io::{BufWriter, Write};
use std::path::Path;

/// Most operations that one client records; a client stops there rather than eat the machine's memory.
pub const MOST_OPERATIONS: usize = 2_000_000;

/// What one client did.
#[derive(Debug)]
pub struct Recorder {
    client: u16,
    sequence: u64,
    pulse: Pulse,
    operations: Vec<Operation>,
}

impl Recorder {
    /// An empty record for client number `client`.
    pub fn new(client: u16, pulse: Pulse) -> Self {
        Self {
            client,
            sequence: 0,
            pulse,
            operations: Vec::new(),
        }
    }

    /// The client's number.
    pub fn client(&self) -> u16 {
        self.client
    }

    /// Number of the next operation.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether there is no room for more.
    pub fn full(&self) -> bool {
        self.operations.len() >= MOST_OPERATIONS
    }

    /// Adds what became of the next operation, and moves on to the one after.
    pub fn add(&mut self, action: Action, answer: Answer) {
        if answer.outcome == Outcome::Ok && action != Action::Direct {
            self.pulse.count_one();
            if action.writes() {
                self.pulse.beat(&answer.node, answer.invoke);
            }
        }
        self.operations.push(Operation {
            client: self.client,
            sequence: self.sequence,
            action,
            invoke: answer.invoke,
            complete: answer.complete,
            outcome: answer.outcome,
            node: answer.node,
        });
        self.sequence += 1;
    }

    /// Moves on without a record: the operation was refused and is of no interest.
    pub fn skip(&mut self) {
        self.sequence += 1;
    }

    /// What was recorded.
    pub fn into_operations(self) -> Vec<Operation> {
        self.operations
    }
}

/// All operations and announcements of one round.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Prefix of every key of the round.
    pub tag: String,
    /// Every recorded operation, client by client.
    pub operations: Vec<Operation>,
    /// Every `+switch-master` heard.
    pub switches: Vec<Switch>,
    /// Every epoch seen and its primary, by epoch.
    pub sightings: Vec<Sighting>,
    /// Address of the primary when the round began.
    pub first_primary: String,
    /// Address of the primary when the round was over; empty if unknown.
    pub last_primary: String,
    /// When the fault was injected.
    pub event: Micros,
    /// Whether gates stand before the servers: a gate that has lost its reign carries sessions to the next primary, so an
    /// operation's address does not say who executed it.
    pub carried: bool,
}

impl History {
    /// Takes over what a crew brought home.
    pub fn take(&mut self, log: CrewLog) {
        self.operations = log.operations;
        self.switches = log.switches;
        self.sightings = log.sightings;
    }

    /// Writes one JSON line per operation to `path`.
    pub fn save(&self, path: &Path) -> Result<()> {
        let file =
            std::fs::File::create(path).with_context(|| format!("create {}", path.display()))?;
        let mut out = BufWriter::new(file);
        for operation in &self.operations {
            serde_json::to_writer(&mut out, operation).context("write an operation")?;
            out.write_all(b"\n").context("write an operation")?;
        }
        for switch in &self.switches {
            serde_json::to_writer(&mut out, switch).context("write a switch")?;
            out.write_all(b"\n").context("write a switch")?;
        }
        for sighting in &self.sightings {
            serde_json::to_writer(&mut out, sighting).context("write a sighting")?;
            out.write_all(b"\n").context("write a sighting")?;
        }
        out.flush().context("write the history")
    }
}
