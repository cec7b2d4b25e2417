//! The live view of `holdfast up`.
//!
//! ```text
//!   keyboard (a thread) ──┐
//!   sentinels (a task)  ──┤──▶ State ──draw──▶ terminal
//!   processes (events)  ──┤      │
//!   load (a task)       ──┘      └─▶ actions on the group
//! ```

mod act;
mod draw;
mod keyboard;
mod keys;
mod load;
#[cfg(test)]
mod picture;
mod state;

use super::stop;
use crate::exit::{Exit, Failure, Outcome};
use crate::observation::Observation;
use crate::out::tell;
use crate::units::unix_ms;
use act::Actor;
use draw::Look;
use holdfast_cluster::{Event, LocalGroup, SentinelClient};
use state::State;
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio::time::MissedTickBehavior;

/// How often sentinels are asked and the picture is drawn.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A frozen sentinel must not stop the picture.
const ANSWER_WITHIN: Duration = Duration::from_millis(250);

/// Shows the group until the user is done with it, then stops it.
pub(super) async fn run(
    group: LocalGroup,
    events: broadcast::Receiver<Event>,
    password: Option<String>,
) -> Outcome {
    let mut terminal = ratatui::try_init()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot use the terminal: {error}")))?;
    let shown = show(&group, &mut terminal, events, password).await;
    ratatui::restore();
    tell("stopping …");
    let stopped = stop(group).await;
    shown.and(stopped)
}

async fn show(
    group: &LocalGroup,
    terminal: &mut ratatui::DefaultTerminal,
    mut events: broadcast::Receiver<Event>,
    password: Option<String>,
) -> Outcome {
    let mut keys = keyboard::keys().map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot read the keyboard: {error}"))
    })?;
    let mut seen = observe(group.client());
    let mut actor = Actor::new(group, password);
    let mut state = State::new(
        group.manifest(),
        group.server().to_string(),
        group.dir().display().to_string(),
    );
    let look = Look::of_terminal();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let told_to_stop = super::headless::told_to_stop();
    tokio::pin!(told_to_stop);
    loop {
        tokio::select! {
            end = &mut told_to_stop => return end.map(|()| Exit::Ok),
            Some(key) = keys.recv() => match keys::action(key) {
                Some(keys::Action::Quit) => return Ok(Exit::Ok),
                Some(action) => actor.act(action, &mut state),
                None => {}
            },
            event = events.recv() => match event {
                Ok(event) => state.tell(unix_ms(), "up", &event.to_string()),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return Ok(Exit::Ok),
            },
            Ok(()) = seen.changed() => state.see(&seen.borrow_and_update()),
            _ = ticks.tick() => {}
        }
        state.now(unix_ms(), group.manifest());
        actor.report(&mut state);
        let drawn = terminal.draw(|frame| draw::draw(frame, &state, look));
        drawn.map_err(|error| Failure::new(Exit::Failed, format!("cannot draw: {error}")))?;
    }
}

/// Asks the sentinels in a task of its own: only the newest answer is kept.
fn observe(client: SentinelClient) -> watch::Receiver<Observation> {
    let (tell, seen) = watch::channel(Observation::default());
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !tell.is_closed() {
            ticks.tick().await;
            tell.send_replace(Observation::take_within(&client, ANSWER_WITHIN).await);
        }
    });
    seen
}
