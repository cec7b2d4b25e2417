//! Waiting for something to become true, never for ever.

use anyhow::bail;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asks every 50 ms until it is so; returns how long that took. `what` is not so says why in its error.
pub(crate) fn until(
    what: &str,
    limit: Duration,
    mut is_so: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    loop {
        let error = match is_so() {
            Ok(()) => return Ok(begin.elapsed()),
            Err(error) => error,
        };
        if begin.elapsed() > limit {
            bail!(
                "{what}: not so after {:.1} s: {error:#}",
                limit.as_secs_f32()
            );
        }
        sleep(Duration::from_millis(50));
    }
}

/// Seconds, for short.
pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
