//! A big data set under the load: it makes dying, saving and syncing slow.

use crate::client::Connection;
use crate::drill::settle::settle;
use crate::target::System;
use anyhow::{Result, anyhow, bail};
use holdfast_resp::Value;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// MiB written by one script: short enough that the server still answers pings and the disk keeps up.
const STEP_MIB: u64 = 4;
const PAUSE: Duration = Duration::from_millis(40);
/// A restarted group may have to load and sync all of it.
const SETTLE: Duration = Duration::from_secs(240);
/// A failover in the middle is no reason to give up; many are.
const MOST_INTERRUPTIONS: usize = 5;

/// Values differ in their first bytes only; memory is what counts.
const FILL: &str = "for i = ARGV[1], ARGV[2] do redis.call('SET', 'crucible:ballast:' .. i, i .. string.rep('x', 1048576)) end";

/// Makes sure that the group holds `mib` MiB.
pub async fn ensure(system: &System, mib: u64) -> Result<()> {
    let mut next = 1;
    for _ in 0..=MOST_INTERRUPTIONS {
        let primary = settle(system, SETTLE).await?;
        match fill(&primary, &mut next, mib.max(1)).await {
            Ok(()) => return settle(system, SETTLE).await.map(|_| ()),
            Err(error) => eprintln!(
                "filling {} was interrupted at {next} MiB: {error:#}",
                system.against()
            ),
        }
    }
    bail!("the group did not hold still while it was filled")
}

/// Fills from MiB number `next` on and moves it along. Nothing to do where the last one is there.
async fn fill(primary: &str, next: &mut u64, last: u64) -> Result<()> {
    let mut connection = Connection::open(primary, LIMIT)
        .await
        .map_err(|error| anyhow!("{error:?}"))?;
    let present = call(
        &mut connection,
        &["EXISTS", &format!("crucible:ballast:{last}")],
    )
    .await?;
    if present.as_integer() == Some(1) {
        return Ok(());
    }
    while *next <= last {
        let until = (*next + STEP_MIB - 1).min(last);
        call(
            &mut connection,
            &["EVAL", FILL, "0", &next.to_string(), &until.to_string()],
        )
        .await?;
        *next = until + 1;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn call(connection: &mut Connection, command: &[&str]) -> Result<Value> {
    let reply = connection
        .call(command, LIMIT)
        .await
        .map_err(|error| anyhow!("{error:?}"))?;
    match reply.error() {
        Some(error) => bail!("{error}"),
        None => Ok(reply),
    }
}
