//! Ending a script or function that runs.

use super::{Info, Link, LinkError};
use std::time::Duration;

/// Looks for the end of a script that was told to end, and the pause between them: a second in all.
const LOOKS_MAX: u32 = 100;
const LOOK_AGAIN: Duration = Duration::from_millis(10);

impl Link {
    /// Ends the script or function that runs, if any, and tells how the server is then. One that has written is refused
    /// with `UNKILLABLE`.
    pub async fn end_script(&mut self) -> Result<Info, LinkError> {
        // A busy server forgets no late order, and must not be asked to; the next call does.
        let unanswered = std::mem::take(&mut self.unanswered);
        let ended = self.kill_script().await;
        self.unanswered |= unanswered;
        ended?;
        for _ in 1..LOOKS_MAX {
            match self.info().await {
                Err(LinkError::Busy) => tokio::time::sleep(LOOK_AGAIN).await,
                seen => return seen,
            }
        }
        Err(LinkError::Busy)
    }

    /// `-BUSY` is what each of the two commands is told while one of the other kind runs.
    async fn kill_script(&mut self) -> Result<(), LinkError> {
        for kind in ["SCRIPT", "FUNCTION"] {
            match self.command(&[kind, "KILL"]).await {
                Err(LinkError::Busy) => {}
                Err(LinkError::Refused { said, .. }) if said.starts_with("NOTBUSY") => {
                    return Ok(());
                }
                other => return other.map(drop),
            }
        }
        Err(LinkError::Busy)
    }
}
