//! The blows of one lap, each in its time, each undone in its time.

use crate::client::Directory;
use crate::clock::{self, Micros};
use crate::fault::{Remedy, Scene};
use crate::ordeal::plan::Planned;
use crate::ordeal::strike::{Struck, strike};
use crate::ordeal::wounds::Wounds;
use crate::target::{System, readiness};
use anyhow::Result;
use std::time::Duration;

/// Longest sleep at a time, so that what is due is never late by more.
const STEP: Duration = Duration::from_millis(50);
/// Patience of a look at the group between two blows.
const GLANCE: Duration = Duration::from_millis(400);

/// Blows under way.
#[derive(Debug)]
pub struct Storm<'a> {
    system: &'a System,
    wounds: &'a mut Wounds,
    /// Who ruled when last seen.
    ruler: String,
    /// What must be undone, and when.
    pending: Vec<(Micros, Remedy)>,
    /// Every blow so far.
    pub struck: Vec<Struck>,
}

impl<'a> Storm<'a> {
    /// No blow has fallen yet; `ruler` is the primary's address.
    pub fn new(system: &'a System, wounds: &'a mut Wounds, ruler: String) -> Self {
        Self {
            system,
            wounds,
            ruler,
            pending: vec![],
            struck: vec![],
        }
    }

    /// Lets `plan` happen from now on, for `length`; `tick` is called several times a second with the number of blows.
    pub async fn rage(&mut self, plan: &[Planned], length: Duration, tick: impl Fn(usize)) {
        let begin = clock::now();
        for planned in plan {
            self.wait_until(begin + planned.at.as_micros() as Micros, &tick)
                .await;
            self.strike(planned).await;
        }
        self.wait_until(begin + length.as_micros() as Micros, &tick)
            .await;
    }

    async fn wait_until(&mut self, time: Micros, tick: &impl Fn(usize)) {
        loop {
            self.undo(clock::now());
            tick(self.struck.len());
            let Some(left) = time.checked_sub(clock::now()).filter(|left| *left > 0) else {
                return;
            };
            tokio::time::sleep(Duration::from_micros(left).min(STEP)).await;
        }
    }

    async fn strike(&mut self, planned: &Planned) {
        if self.wounds.limit.is_some() && self.wounds.any() {
            self.look_for_healing().await;
        }
        self.find_ruler().await;
        let scene = Scene::new(self.system, &self.ruler, planned.seed);
        let Ok(mut scene) = scene else { return };
        let struck = strike(planned, &mut scene, self.wounds).await;
        tracing::debug!("{struck:?}");
        let remedies = scene
            .remedies
            .into_iter()
            .map(|remedy| (struck.until, remedy));
        self.pending.extend(remedies);
        self.struck.push(struck);
    }

    async fn look_for_healing(&mut self) {
        let now = clock::now();
        let whole = tokio::time::timeout(GLANCE, readiness::look(self.system)).await;
        if matches!(whole, Ok(Ok(_))) {
            self.wounds.heal(now);
        }
    }

    /// Keeps the last known one while no sentinel answers.
    async fn find_ruler(&mut self) {
        let Ok(group) = self.system.group() else {
            return;
        };
        let mut directory = Directory::new(
            group.sentinel_addresses(),
            &group.group,
            Duration::from_millis(100),
        );
        if let Some(address) = directory.locate().await
            && group.node_at(&address).is_some()
        {
            self.ruler = address;
        }
    }

    /// Undoes what is over at `now`. What fails here is tried again by [`Storm::end`].
    fn undo(&mut self, now: Micros) {
        let (due, pending) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|(until, _)| *until <= now);
        self.pending = pending;
        let due: Vec<(Micros, Remedy)> = due;
        for (_, remedy) in due {
            if let Err(error) = remedy.apply(self.system) {
                tracing::warn!("{error:#}");
            }
        }
    }

    /// Undoes everything.
    pub fn end(&mut self) -> Result<()> {
        self.undo(Micros::MAX);
        for pid in self.system.group()?.pids() {
            // A process that two blows had frozen, and one that was started again while it was.
            Remedy::Continue(pid).apply(self.system)?;
        }
        self.system
            .network()
            .map_or(Ok(()), crate::target::Network::calm)
    }
}
