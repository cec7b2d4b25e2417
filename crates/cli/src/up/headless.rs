//! `holdfast up` without a terminal: lines, and never a question.

use super::narrator::Narrator;
use super::{greeting, stop};
use crate::exit::{Exit, Failure, Outcome};
use crate::observation::Observation;
use crate::out::tell;
use holdfast_cluster::{Event, LocalGroup, NotReady};
use holdfast_core::status::GroupStatus;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

const READY_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) async fn run(group: LocalGroup, begun: Instant, events: Receiver<Event>) -> Outcome {
    for line in greeting(&group) {
        tell(line);
    }
    let end = tokio::select! {
        end = told_to_stop() => end,
        end = narrate(&group, begun, events) => end,
    };
    match end {
        Ok(()) => stop(group).await,
        Err(failure) => {
            group.kill_now().await;
            Err(failure)
        }
    }
}

/// Returns only when the group cannot be made ready.
async fn narrate(
    group: &LocalGroup,
    begun: Instant,
    mut events: Receiver<Event>,
) -> Result<(), Failure> {
    let mut story = Story {
        begun,
        narrator: Narrator::default(),
    };
    let ready = group.ready(READY_WITHIN);
    tokio::pin!(ready);
    let mut waiting = true;
    let client = group.client();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            done = &mut ready, if waiting => {
                waiting = false;
                story.ready(done)?;
            }
            event = events.recv() => story.event(event),
            _ = ticks.tick() => story.look(&Observation::take(&client).await),
        }
    }
}

/// The lines that have been told.
struct Story {
    begun: Instant,
    narrator: Narrator,
}

impl Story {
    fn say(&self, line: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        tell(format_args!("{at:9.3}  {line}"));
    }

    /// Fails only when there is nothing to wait for any more.
    fn ready(&self, done: Result<GroupStatus, NotReady>) -> Result<(), Failure> {
        match done {
            Ok(status) => {
                let primary = status.primary_address.map_or(0, |address| address.port);
                let seconds = self.begun.elapsed().as_secs_f32();
                self.say(&format!("ready in {seconds:.1} s: redis-cli -p {primary}"));
                Ok(())
            }
            Err(error @ NotReady::Hopeless(_)) => Err(Failure::new(Exit::Failed, error)),
            Err(error) => {
                self.say(&format!("{error}; still trying"));
                Ok(())
            }
        }
    }

    fn event(&self, event: Result<Event, RecvError>) {
        match event {
            Ok(event) => self.say(&event.to_string()),
            Err(RecvError::Lagged(missed)) => self.say(&format!("({missed} events not shown)")),
            Err(RecvError::Closed) => {}
        }
    }

    fn look(&mut self, observation: &Observation) {
        for line in self.narrator.observe(observation) {
            self.say(&line);
        }
    }
}

/// SIGINT, SIGTERM or SIGHUP.
pub(super) async fn told_to_stop() -> Result<(), Failure> {
    let on = |kind| {
        signal(kind).map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot wait for signals: {error}"))
        })
    };
    let (mut interrupt, mut terminate, mut hangup) = (
        on(SignalKind::interrupt())?,
        on(SignalKind::terminate())?,
        on(SignalKind::hangup())?,
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
