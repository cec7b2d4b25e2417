//! A big data set under the load: it makes dying, saving and syncing slow.

use crate::client::Connection;
use crate::drill::settle::settle;
use crate::target::System;
use anyhow::{Result, anyhow, bail};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// MiB written by one script: short enough that the server still answers pings.
const STEP_MIB: u64 = 16;
/// A restarted group may have to load and sync all of it.
const SETTLE: Duration = Duration::from_secs(240);

/// Values differ in their first bytes only; memory is what counts.
const FILL: &str = "for i = ARGV[1], ARGV[2] do redis.call('SET', 'crucible:ballast:' .. i, i .. string.rep('x', 1048576)) end";

/// Makes sure that the group holds `mib` MiB.
pub async fn ensure(system: &System, mib: u64) -> Result<()> {
    let primary = settle(system, SETTLE).await?;
    let mut connection = Connection::open(&primary, LIMIT)
        .await
        .map_err(|error| anyhow!("{error:?}"))?;
    let last = format!("crucible:ballast:{}", mib.max(1));
    let present = connection
        .call(&["EXISTS", &last], LIMIT)
        .await
        .map_err(|error| anyhow!("{error:?}"))?;
    if present.as_integer() == Some(1) {
        return Ok(());
    }
    eprintln!("filling {} with {mib} MiB", system.against());
    for first in (1..=mib.max(1)).step_by(STEP_MIB as usize) {
        let until = (first + STEP_MIB - 1).min(mib.max(1));
        let command = ["EVAL", FILL, "0", &first.to_string(), &until.to_string()];
        let reply = connection
            .call(&command, LIMIT)
            .await
            .map_err(|error| anyhow!("fill: {error:?}"))?;
        if let Some(error) = reply.error() {
            bail!("fill: {error}");
        }
        // Replicas must keep up: a backlog overrun would start full syncs in the middle.
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    settle(system, SETTLE).await.map(|_| ())
}
