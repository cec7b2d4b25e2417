//! What the clients' logs amount to.

use super::lane::Log;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Counts and times of all clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) acknowledged: usize,
    pub(crate) failed: usize,
    /// Acknowledged and not found afterwards.
    pub(crate) lost: usize,
    /// The longest time that any client waited from one acknowledgement to the next, or to its end.
    pub(crate) pause: Duration,
    /// When that began, for a look into the logs.
    pause_at: Option<SystemTime>,
    /// Age of the oldest lost write when that client's longest pause began.
    pub(crate) oldest_lost: Option<Duration>,
    errors: Vec<String>,
}

impl Tally {
    pub(crate) fn of(begin: Instant, logs: &[Log], missing: &[(usize, u64)]) -> Self {
        let longest = logs
            .iter()
            .map(|log| longest(begin, log))
            .max_by_key(|(length, _)| *length);
        let (pause, since) = longest.unwrap_or((Duration::ZERO, begin));
        let acknowledged_at = |(lane, number): &(usize, u64)| {
            let all = &logs[*lane].acknowledged;
            all.iter()
                .find(|(other, _)| other == number)
                .map(|(_, time)| *time)
        };
        let oldest = missing.iter().filter_map(acknowledged_at).min();
        Self {
            acknowledged: logs.iter().map(|log| log.acknowledged.len()).sum(),
            failed: logs.iter().map(|log| log.failed.len()).sum(),
            lost: missing.len(),
            pause,
            pause_at: SystemTime::now().checked_sub(since.elapsed()),
            oldest_lost: oldest.map(|time| since.saturating_duration_since(time)),
            errors: logs
                .iter()
                .filter_map(|log| log.errors.first().cloned())
                .collect(),
        }
    }

    /// Failed tries and lost writes, in words.
    pub(crate) fn remark(&self) -> String {
        let mut words = Vec::new();
        if self.failed > 0 {
            words.push(format!(
                "{} tries failed ({})",
                self.failed,
                self.errors.first().map_or("", String::as_str)
            ));
        }
        if let Some(at) = self.pause_at {
            words.push(format!("longest pause from {}", time_of_day(at)));
        }
        if let Some(age) = self.oldest_lost {
            words.push(format!(
                "the oldest lost write was {:.3} s old",
                age.as_secs_f64()
            ));
        }
        words.join("; ")
    }
}

/// As logs show it, in UTC.
fn time_of_day(at: SystemTime) -> String {
    let millis = at
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let (seconds, millis) = (millis / 1000 % 86_400, millis % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}

/// The longest pause of one client, and when it began.
fn longest(begin: Instant, log: &Log) -> (Duration, Instant) {
    let times = log
        .acknowledged
        .iter()
        .map(|(_, time)| *time)
        .chain(log.end);
    let mut last = begin;
    let mut longest = (Duration::ZERO, begin);
    for time in times {
        let length = time.saturating_duration_since(last);
        if length > longest.0 {
            longest = (length, last);
        }
        last = time;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(begin: Instant, times: &[u64], end: u64) -> Log {
        let at = |millis: u64| begin + Duration::from_millis(millis);
        Log {
            acknowledged: times
                .iter()
                .enumerate()
                .map(|(number, millis)| (number as u64, at(*millis)))
                .collect(),
            end: Some(at(end)),
            ..Log::default()
        }
    }

    #[test]
    fn the_longest_pause_of_any_client_counts_also_at_the_end() {
        let begin = Instant::now();
        let logs = [
            log(begin, &[10, 20, 90, 100], 110),
            log(begin, &[10, 20], 200),
        ];
        let tally = Tally::of(begin, &logs, &[]);
        assert_eq!(
            (tally.pause, tally.acknowledged),
            (Duration::from_millis(180), 6)
        );
    }

    #[test]
    fn the_age_of_a_lost_write_is_told() {
        let begin = Instant::now();
        let logs = [log(begin, &[10, 20, 30, 400], 410)];
        let tally = Tally::of(begin, &logs, &[(0, 1), (0, 2)]);
        assert_eq!(
            (tally.lost, tally.oldest_lost),
            (2, Some(Duration::from_millis(10)))
        );
    }
}
