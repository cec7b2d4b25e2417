//! Groups of the same kind, one per system, started when first needed and used for many rounds.

use crate::drill::{RoundResult, RoundSpec, play};
use crate::fault::Drill;
use crate::options::GroupOptions;
use crate::target::{Against, System};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The groups of one kind.
#[derive(Debug)]
pub struct Stage<'a> {
    group: &'a GroupOptions,
    dir: PathBuf,
    network: bool,
    interposer: bool,
    systems: BTreeMap<Against, System>,
    started: usize,
}

impl<'a> Stage<'a> {
    /// Nothing runs yet; everything will live below `dir`.
    pub fn new(group: &'a GroupOptions, dir: &Path, network: bool, interposer: bool) -> Self {
        let kind = match (network, interposer) {
            (true, _) => "network",
            (false, true) => "interposed",
            (false, false) => "plain",
        };
        Self {
            group,
            dir: dir.join(kind),
            network,
            interposer,
            systems: BTreeMap::new(),
            started: 0,
        }
    }

    /// Where histories of its rounds may go.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The running group of `against`, started if there is none.
    pub async fn system(&mut self, against: Against) -> Result<&System> {
        if !self.systems.contains_key(&against) {
            self.started += 1;
            let dir = self.dir.join(format!("{against}-{}", self.started));
            let spec = self.group.spec(&dir, self.network, self.interposer)?;
            let system = System::start(against, &spec).await;
            self.systems.insert(
                against,
                system.with_context(|| format!("start {against} in {}", dir.display()))?,
            );
        }
        self.systems
            .get(&against)
            .context("find the group just started")
    }

    /// Plays one round. A group that did not come back is stopped: it is of no use to the next round.
    pub async fn round(
        &mut self,
        drill: Drill,
        against: Against,
        round: usize,
        spec: &RoundSpec,
    ) -> Result<RoundResult> {
        if let Some(why) = drill.obstacle(against) {
            return Ok(RoundResult {
                skipped: Some(why),
                ..RoundResult::empty(drill, against, round)
            });
        }
        let result = match self.system(against).await {
            Ok(system) => play(system, drill, round, spec).await,
            Err(error) => RoundResult {
                failed: Some(format!("{error:#}")),
                ..RoundResult::empty(drill, against, round)
            },
        };
        if result.failed.is_some()
            && let Some(system) = self.systems.remove(&against)
        {
            system.stop().await?;
        }
        Ok(result)
    }

    /// Stops the group of `against`, which is of no use any more; the next call of [`Stage::system`] starts another.
    pub async fn discard(&mut self, against: Against) {
        if let Some(system) = self.systems.remove(&against)
            && let Err(error) = system.stop().await
        {
            tracing::warn!("{error:#}");
        }
    }

    /// Stops all groups.
    pub async fn stop(self) -> Result<()> {
        for system in self.systems.into_values() {
            system.stop().await?;
        }
        Ok(())
    }
}
