//! More and fewer replicas or sentinels by `helm upgrade`: nobody restarts who stays.

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use crate::writer::Writer;
use std::time::Instant;

pub(super) const NODES: Promise = Promise {
    name: "scale-nodes",
    text: "3 → 5 → 2 replicas → no pod that stays is restarted, pause < 1 s, nothing lost",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run: |stage| run(stage, "slaveReplicaCount", [5, 2]),
};

/// The first sentinel is not counted by its value.
pub(super) const SENTINELS: Promise = Promise {
    name: "scale-sentinels",
    text: "3 → 5 → 3 sentinels → no pod that stays is restarted, pause < 1 s, nothing lost",
    deadline: Some(seconds(1)),
    loss: Loss::None,
    run: |stage| run(stage, "sentinelReplicaCount", [4, 2]),
};

fn run(stage: &Stage, value: &str, counts: [usize; 2]) -> anyhow::Result<Outcome> {
    let release = stage.standard()?;
    let writer = Writer::start(&release)?;
    let mut remark = String::new();
    for count in counts {
        let (before, begin) = (release.pods("")?, Instant::now());
        release.upgrade(&[&format!("{value}={count}")])?;
        release.whole_and_stable(seconds(150))?;
        release.not_restarted(&before)?;
        remark = format!("{remark} {count}: {:.0} s", begin.elapsed().as_secs_f64());
    }
    let tally = writer.finish(&release)?;
    Ok(Outcome::paused(&tally).saying(remark.trim()))
}
