//! One client at work.

use crate::client::Session;
use crate::history::{Action, Operation, Outcome, Recorder};
use crate::workload::lane::Stop;
use crate::workload::names;
use holdfast_resp::Value;
use std::time::Duration;

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// `SET` of unique keys.
    Set,
    /// `RPUSH` of growing numbers to a list.
    List,
    /// `INCR` of a counter.
    Counter,
    /// Compare-and-set of a register.
    Cas,
    /// `SET` of unique keys straight to one node, whatever its role: finds two writable primaries.
    #[value(skip)]
    Direct,
}

/// Sets a register only if it holds what is expected (empty: nothing yet).
const COMPARE_AND_SET: &str = "local now = redis.call('GET', KEYS[1]) or '' \
     if now == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return 1 else return 0 end";

/// A client: its session, its task, its record.
#[derive(Debug)]
pub struct Worker {
    /// What it does.
    pub workload: Workload,
    /// How it reaches servers.
    pub session: Session,
    /// What it did.
    pub recorder: Recorder,
    /// Prefix of its keys.
    pub tag: String,
    /// Pause between operations; none if zero.
    pub pause: Duration,
}

impl Worker {
    /// Works until told to stop and gives back the record.
    pub async fn run(mut self, stop: Stop) -> Vec<Operation> {
        while !stop.is_set() && !self.recorder.full() {
            self.session.heed_announcements().await;
            self.step().await;
            if self.pause.is_zero() {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(self.pause).await;
            }
        }
        self.recorder.into_operations()
    }

    async fn step(&mut self) {
        match self.workload {
            Workload::Set => self.set(Action::Set).await,
            Workload::Direct => self.set(Action::Direct).await,
            Workload::List => self.push().await,
            Workload::Counter => self.increment().await,
            Workload::Cas => self.swap().await,
        }
    }

    async fn set(&mut self, action: Action) {
        let key = names::set_key(&self.tag, self.recorder.client(), self.recorder.sequence());
        let value = self.recorder.sequence().to_string();
        let Some(answer) = self.session.attempt(&["SET", &key, &value]).await else {
            return;
        };
        // A replica refuses direct writes all day long: that is no news.
        if action == Action::Direct && matches!(answer.outcome, Outcome::Fail(_)) {
            return self.recorder.skip();
        }
        self.recorder.add(action, answer);
    }

    async fn push(&mut self) {
        let key = names::list_key(&self.tag, self.recorder.client());
        let value = self.recorder.sequence().to_string();
        if let Some(answer) = self.session.attempt(&["RPUSH", &key, &value]).await {
            self.recorder.add(Action::Push, answer);
        }
    }

    async fn increment(&mut self) {
        let key = names::counter_key(&self.tag);
        if let Some(answer) = self.session.attempt(&["INCR", &key]).await {
            let value = answer.reply.as_ref().and_then(Value::as_integer);
            self.recorder.add(Action::Increment(value), answer);
        }
    }

    /// Reads the register, then sets it if nobody else did. A lost race is refused: nothing was written.
    async fn swap(&mut self) {
        let key = names::register_key(&self.tag);
        let Some(read) = self.session.attempt(&["GET", &key]).await else {
            return;
        };
        let Some(value) = read.reply else { return };
        let old = value.as_str().unwrap_or_default().to_owned();
        let mark = format!("{}:{}", self.recorder.client(), self.recorder.sequence());
        let command = ["EVAL", COMPARE_AND_SET, "1", &key, &old, &mark];
        let Some(mut answer) = self.session.attempt(&command).await else {
            return;
        };
        if answer.reply.as_ref().and_then(Value::as_integer) == Some(0) {
            answer.outcome = Outcome::Fail("lost the race".to_owned());
        }
        self.recorder.add(Action::Swap(old), answer);
    }
}
