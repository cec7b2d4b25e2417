//! A small load: 200 writes a second to 1,000 keys, found through the sentinels as any client would.

use super::state::{LoadState, POINTS_KEPT};
use holdfast_cluster::{Connection, SentinelClient};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, timeout};

const WRITE_EVERY: Duration = Duration::from_millis(5);
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_millis(100);
const POINT_EVERY: Duration = Duration::from_millis(100);
const KEYS: u64 = 1_000;

/// A load that runs, or did.
pub(super) struct Load {
    client: SentinelClient,
    password: Option<String>,
    tally: Arc<Mutex<Tally>>,
    task: Option<JoinHandle<()>>,
}

impl Load {
    pub(super) fn start(client: SentinelClient, password: Option<String>) -> Self {
        let mut load = Self {
            client,
            password,
            tally: Arc::default(),
            task: None,
        };
        load.toggle();
        load
    }

    pub(super) fn toggle(&mut self) {
        let mut tally = lock(&self.tally);
        tally.state.running = self.task.is_none();
        // A pause that was asked for is not one of the group's.
        tally.last_acknowledged = None;
        drop(tally);
        match self.task.take() {
            Some(task) => task.abort(),
            None => {
                self.task = Some(tokio::spawn(run(
                    self.client.clone(),
                    self.password.clone(),
                    Arc::clone(&self.tally),
                )));
            }
        }
    }

    pub(super) fn report(&self) -> LoadState {
        lock(&self.tally).report(Instant::now())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn run(client: SentinelClient, password: Option<String>, tally: Arc<Mutex<Tally>>) {
    let mut ticks = tokio::time::interval(WRITE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut connection = None;
    let mut number = 0_u64;
    loop {
        ticks.tick().await;
        number += 1;
        let begun = Instant::now();
        let writing = write(&client, password.as_deref(), &mut connection, number);
        let acknowledged = matches!(timeout(ACKNOWLEDGED_WITHIN, writing).await, Ok(Ok(())));
        if !acknowledged {
            // Only a fresh connection is known to reach the primary.
            connection = None;
        }
        lock(&tally).count(acknowledged, begun, Instant::now());
    }
}

async fn write(
    client: &SentinelClient,
    password: Option<&str>,
    connection: &mut Option<Connection>,
    number: u64,
) -> anyhow::Result<()> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(connect(client, password).await?),
    };
    let reply = open
        .call(&[
            "SET",
            &format!("holdfast:load:{}", number % KEYS),
            &number.to_string(),
        ])
        .await?;
    anyhow::ensure!(reply.is_ok(), "not acknowledged");
    Ok(())
}

async fn connect(client: &SentinelClient, password: Option<&str>) -> anyhow::Result<Connection> {
    let mut connection = Connection::open(&client.primary().await?).await?;
    if let Some(password) = password {
        connection.call(&["AUTH", password]).await?;
    }
    Ok(connection)
}

/// What was counted.
#[derive(Debug, Default)]
struct Tally {
    state: LoadState,
    last_acknowledged: Option<Instant>,
    point_begun: Option<Instant>,
}

impl Tally {
    fn count(&mut self, acknowledged: bool, begun: Instant, now: Instant) {
        self.advance(now);
        if !acknowledged {
            self.state.failed += 1;
            return;
        }
        self.state.acknowledged += 1;
        self.state.latency_ms = (now - begun).as_secs_f64() * 1e3;
        let pause = self
            .last_acknowledged
            .map_or(0.0, |last| (now - last).as_secs_f64() * 1e3);
        self.state.longest_pause_ms = self.state.longest_pause_ms.max(pause);
        self.last_acknowledged = Some(now);
        if let Some(point) = self.state.points.back_mut() {
            *point += 1;
        }
    }

    /// Begins as many new points as time has passed for.
    fn advance(&mut self, now: Instant) {
        let begun = *self.point_begun.get_or_insert(now);
        let passed = (now - begun).as_millis() / POINT_EVERY.as_millis();
        let new = usize::try_from(passed)
            .unwrap_or(POINTS_KEPT)
            .min(POINTS_KEPT);
        self.state.points.extend(std::iter::repeat_n(0, new));
        let extra = self.state.points.len().saturating_sub(POINTS_KEPT);
        self.state.points.drain(..extra);
        self.point_begun = Some(if new == POINTS_KEPT {
            now
        } else {
            begun + POINT_EVERY * new as u32
        });
    }

    /// The state now; a pause that still lasts counts already.
    fn report(&mut self, now: Instant) -> LoadState {
        self.advance(now);
        let mut state = self.state.clone();
        if let (true, Some(last)) = (state.running, self.last_acknowledged) {
            state.longest_pause_ms = state.longest_pause_ms.max((now - last).as_secs_f64() * 1e3);
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_is_between_acknowledgements() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut tally = Tally::default();
        tally.state.running = true;
        for (ms, acknowledged) in [(0, true), (5, true), (10, false), (110, false), (215, true)] {
            tally.count(acknowledged, at(ms), at(ms));
        }
        let report = tally.report(at(215));
        assert_eq!((report.acknowledged, report.failed), (3, 2));
        assert!((report.longest_pause_ms - 210.0).abs() < 0.01);
        assert!(tally.report(at(715)).longest_pause_ms > 499.0);
    }

    #[test]
    fn points_follow_time_and_are_bounded() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut tally = Tally::default();
        tally.count(true, at(0), at(0));
        for ms in [100, 150, 350] {
            tally.count(true, at(ms), at(ms));
        }
        assert_eq!(tally.state.points, [2, 0, 1]);
        assert_eq!(tally.report(at(3_600_000)).points.len(), POINTS_KEPT);
    }
}
