//! The primary's node cut off, with clients still inside that talk to it.

use super::{Loss, Promise, quorum};
use crate::ground::Cut;
use crate::outcome::Outcome;
use crate::release::Release;
use crate::stage::Stage;
use crate::wait::{self, seconds};
use crate::writer::{Place, Tally, Writer, first_after, last};
use anyhow::{Context as _, ensure};
use std::time::Instant;

pub(super) const PROMISE: Promise = Promise {
    name: "net-cut",
    text: "node cut off with clients on the old primary → it stops acknowledging before the new one starts; healed → rejoins, nothing of the new history lost",
    deadline: Some(seconds(2)),
    loss: Loss::None,
    run: |stage| Seen::of(stage, &stage.standard()?)?.outcome(),
};

pub(super) const QUORUM: Promise = Promise {
    name: "quorum-net-cut",
    text: "quorum: node cut off with clients on the old primary → nothing lost at all that was acknowledged, also on the old side; writes again outside",
    deadline: Some(seconds(2)),
    loss: Loss::None,
    run: |stage| Ok(Seen::of(stage, &quorum::release(stage)?)?.with_old_side()),
};

/// What clients on each side of the cut saw.
struct Seen {
    /// Those inside, who know the old primary only.
    inside: Tally,
    /// Those outside, from before the cut to after its end.
    outside: Tally,
    /// Those outside that began when another was primary: what they were told is of the new history.
    after: Tally,
    /// When the old primary had acknowledged its last write, and when the new one its first.
    stopped: Instant,
    resumed: Instant,
}

impl Seen {
    fn of(stage: &Stage, release: &Release) -> anyhow::Result<Self> {
        let primary = release.primary()?;
        let old = format!("{}:6379", primary.ip);
        let place = Place {
            network: Some(stage.ground().network(&primary.node)?),
            fixed: Some(old.clone()),
        };
        let before = Writer::start(release)?;
        let inside = Writer::start_at(release, &place)?;
        let begin = Instant::now();
        let cut = Cut::begin(stage.ground(), &primary.node)?;
        wait::until("another primary", seconds(20), || {
            ensure!(
                release.primary_address()? != old,
                "it is still the one that is cut off"
            );
            Ok(())
        })?;
        let after = Writer::start(release)?;
        after.go_on(seconds(2))?;
        drop(cut);
        release.whole(seconds(90))?;
        let (inside, old_side) = inside.finish_with_logs(release)?;
        let (outside, new_side) = before.finish_with_logs(release)?;
        Ok(Self {
            inside,
            outside,
            after: after.finish(release)?,
            stopped: last(&old_side).context("no client inside wrote")?,
            resumed: first_after(&new_side, begin).context("nobody writes outside")?,
        })
    }

    /// As `async` promises it. The pause is what clients outside saw: when the cut came exactly, nobody knows.
    fn outcome(self) -> anyhow::Result<Outcome> {
        ensure!(
            self.stopped < self.resumed,
            "the old primary acknowledged {:?} after the new one had begun",
            self.stopped - self.resumed
        );
        let remark = format!(
            "the old primary had stopped {:.3} s before the new one began; of its last moments {} writes are gone, as async says",
            (self.resumed - self.stopped).as_secs_f64(),
            self.inside.lost + self.outside.lost
        );
        Ok(Outcome::counted(self.outside.pause, &self.after).saying(remark))
    }

    /// As `quorum` promises it: whatever anybody was told.
    fn with_old_side(self) -> Outcome {
        let mut outcome = Outcome::counted(self.outside.pause, &self.after);
        for tally in [&self.inside, &self.outside] {
            outcome.acknowledged += tally.acknowledged;
            outcome.lost += tally.lost;
        }
        let inside = self.inside.acknowledged;
        outcome.saying(format!("{inside} acknowledged to clients inside"))
    }
}
