//! One client at work.

use crate::history::{Action, Operation};
use crate::workload::desk::Desk;
use crate::workload::lane::Stop;
use crate::workload::members::Members;
use crate::workload::queue::Queue;
use crate::workload::registers::Registers;
use crate::workload::tracking::{self, Tracking};
use crate::workload::{bank, plain};
use std::time::Duration;

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// `SET` of unique keys.
    Set,
    /// `RPUSH` of growing numbers to a list of its own.
    List,
    /// `INCR` of a counter.
    Counter,
    /// Compare-and-set of a register.
    Cas,
    /// `SET` of unique keys, 16 at once.
    Pipeline,
    /// `RPUSH` to lists that all share, which are read whole as well.
    Append,
    /// `SADD` and `SREM` of unique members.
    Members,
    /// Reads, writes and compare-and-set of registers that all share.
    Registers,
    /// Writes and reads in turn of registers that nobody else touches: reads your writes.
    Own,
    /// Transfers between accounts with `WATCH` and `MULTI`.
    Bank,
    /// Puts into a queue and takes from it with `BLMOVE`.
    Queue,
    /// Reads of shared registers through a cache that the server invalidates (RESP3).
    Tracking,
    /// `SET` of unique keys straight to one node, whatever its role: finds two writable primaries.
    #[value(skip)]
    Direct,
}

impl Workload {
    /// One client of each kind, and further ones where a single client would have nobody to race with.
    pub fn mixed() -> Vec<Self> {
        vec![
            Self::Set,
            Self::List,
            Self::Counter,
            Self::Counter,
            Self::Cas,
            Self::Pipeline,
            Self::Append,
            Self::Append,
            Self::Members,
            Self::Registers,
            Self::Registers,
            Self::Registers,
            Self::Own,
            Self::Bank,
            Self::Bank,
            Self::Queue,
            Self::Queue,
            Self::Tracking,
        ]
    }
}

/// A workload and what it remembers.
#[derive(Debug)]
enum Task {
    Set(Action),
    List,
    Counter,
    Cas,
    Pipeline,
    Append,
    Bank,
    Members(Members),
    Registers(Registers),
    Queue(Queue),
    Tracking(Tracking),
}

/// A client: its task and its desk.
#[derive(Debug)]
pub struct Worker {
    task: Task,
    desk: Desk,
    pause: Duration,
}

impl Worker {
    /// A client that does `workload` at `desk`, with `pause` between operations; none if zero.
    pub fn new(workload: Workload, mut desk: Desk, pause: Duration) -> Self {
        if workload == Workload::Tracking {
            desk.session = desk.session.opening(&tracking::OPENING);
        }
        let task = match workload {
            Workload::Set => Task::Set(Action::Set),
            Workload::Direct => Task::Set(Action::Direct),
            Workload::List => Task::List,
            Workload::Counter => Task::Counter,
            Workload::Cas => Task::Cas,
            Workload::Pipeline => Task::Pipeline,
            Workload::Append => Task::Append,
            Workload::Bank => Task::Bank,
            Workload::Members => Task::Members(Members::default()),
            Workload::Registers => Task::Registers(Registers::default()),
            Workload::Own => Task::Registers(Registers::own()),
            Workload::Queue => Task::Queue(Queue::default()),
            Workload::Tracking => Task::Tracking(Tracking::default()),
        };
        Self { task, desk, pause }
    }

    /// Works until told to stop and gives back the record.
    pub async fn run(mut self, stop: Stop) -> Vec<Operation> {
        while !stop.is_set() && !self.desk.recorder.full() {
            self.desk.session.heed_announcements().await;
            self.step().await;
            if self.pause.is_zero() {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(self.pause).await;
            }
        }
        self.desk.recorder.into_operations()
    }

    async fn step(&mut self) {
        let desk = &mut self.desk;
        match &mut self.task {
            Task::Set(action) => plain::set(desk, action.clone()).await,
            Task::List => plain::push(desk).await,
            Task::Counter => plain::increment(desk).await,
            Task::Cas => plain::swap(desk).await,
            Task::Pipeline => plain::pipeline(desk).await,
            Task::Append => plain::append(desk).await,
            Task::Bank => bank::step(desk).await,
            Task::Members(members) => members.step(desk).await,
            Task::Registers(registers) => registers.step(desk).await,
            Task::Queue(queue) => queue.step(desk).await,
            Task::Tracking(tracking) => tracking.step(desk).await,
        }
    }
}
