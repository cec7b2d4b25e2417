//! `holdfast up` without a terminal: lines, and never a question.

use super::narrator::Narrator;
use super::{greeting, stop};
use crate::exit::{Exit, Failure, Outcome};
use crate::observation::Observation;
use holdfast_cluster::{Event, LocalGroup, NotReady};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

const READY_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) async fn run(group: LocalGroup) -> Outcome {
    let begun = Instant::now();
    let events = group.events();
    for line in greeting(&group) {
        println!("{line}");
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
    match group.ready(READY_WITHIN).await {
        Ok(status) => {
            let primary = status
                .primary_address
                .map(|address| address.port)
                .unwrap_or_default();
            story.say(&format!(
                "ready in {:.1} s: redis-cli -p {primary}",
                begun.elapsed().as_secs_f32()
            ));
        }
        Err(error @ NotReady::Hopeless(_)) => return Err(Failure::new(Exit::Failed, error)),
        Err(error) => story.say(&format!("{error}; still trying")),
    }
    let client = group.client();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
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
        println!("{:9.3}  {line}", self.begun.elapsed().as_secs_f64());
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
