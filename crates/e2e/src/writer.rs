//! Clients that write all the time and remember what was acknowledged, and when.

mod check;
mod lane;
mod tally;

pub(crate) use tally::Tally;

use crate::release::{GROUP, Release};
use crate::wait::seconds;
use anyhow::Context as _;
use lane::{Lane, Log};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How many clients write at the same time.
const LANES: usize = 3;

/// Several clients, each with its own connection and its own keys.
#[derive(Debug)]
pub(crate) struct Writer {
    prefix: String,
    stop: Arc<AtomicBool>,
    lanes: Vec<JoinHandle<Log>>,
    begin: Instant,
}

/// Where clients are, and how they find the primary.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// The network namespace that they run in; this process' own where there is none.
    pub(crate) network: Option<PathBuf>,
    /// A fixed address instead of the sentinels' answer.
    pub(crate) fixed: Option<String>,
}

impl Writer {
    /// Starts writing to the primary, wherever the sentinels say that it is.
    pub(crate) fn start(release: &Release) -> anyhow::Result<Self> {
        Self::start_at(release, &Place::default())
    }

    /// The same from another place. Returns when every client has had an acknowledgement.
    pub(crate) fn start_at(release: &Release, place: &Place) -> anyhow::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let begun = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let prefix = format!("e2e:{begun}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let sentinels = release.sentinel_addresses()?;
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let lane = |number: usize| Lane {
            prefix: format!("{prefix}:{number}"),
            group: GROUP.into(),
            access: release.access.clone(),
            sentinels: sentinels.clone(),
            place: place.clone(),
            stop: Arc::clone(&stop),
            begun: Arc::clone(&acknowledged),
        };
        let lanes = (0..LANES).map(|number| lane(number).start()).collect();
        let writer = Self {
            prefix,
            stop,
            lanes,
            begin: Instant::now(),
        };
        crate::wait::until("clients write", seconds(10), || {
            let begun = acknowledged.load(Ordering::Relaxed);
            anyhow::ensure!(
                begun >= LANES as u64,
                "{begun} of {LANES} clients have had an acknowledgement"
            );
            Ok(())
        })?;
        Ok(writer)
    }

    /// Lets them write on for a while. Fails when one of them could not begin at all.
    pub(crate) fn go_on(&self, time: Duration) -> anyhow::Result<()> {
        std::thread::sleep(time);
        anyhow::ensure!(
            !self.lanes.iter().any(JoinHandle::is_finished),
            "a client has ended"
        );
        Ok(())
    }

    /// Ends the writing; nothing is looked up.
    fn stop(mut self) -> anyhow::Result<Vec<Log>> {
        self.stop.store(true, Ordering::Relaxed);
        let lanes = std::mem::take(&mut self.lanes);
        lanes
            .into_iter()
            .map(|lane| lane.join().ok().context("a client panicked"))
            .collect()
    }

    /// Ends the writing and looks for every acknowledged write on the primary of the release.
    pub(crate) fn finish(self, release: &Release) -> anyhow::Result<Tally> {
        self.finish_with_logs(release).map(|(tally, _)| tally)
    }

    /// The same, with what each client saw.
    pub(crate) fn finish_with_logs(self, release: &Release) -> anyhow::Result<(Tally, Vec<Log>)> {
        let (begin, prefix) = (self.begin, self.prefix.clone());
        let logs = self.stop()?;
        let primary = release.primary_address()?;
        let missing = check::missing(&release.access, &primary, &prefix, &logs)?;
        Ok((Tally::of(begin, &logs, &missing), logs))
    }
}

/// The last acknowledgement that any of these clients had.
pub(crate) fn last(logs: &[Log]) -> Option<Instant> {
    logs.iter()
        .filter_map(|log| log.acknowledged.last())
        .map(|(_, time)| *time)
        .max()
}

/// The first acknowledgement after the first pause of more than 100 ms that ended after that time.
pub(crate) fn first_after(logs: &[Log], begin: Instant) -> Option<Instant> {
    let resumed = |log: &Log| {
        let times: Vec<Instant> = log.acknowledged.iter().map(|(_, time)| *time).collect();
        let pause =
            |pair: &&[Instant]| pair[1] > begin && pair[1] - pair[0] > Duration::from_millis(100);
        times.windows(2).find(pause).map(|pair| pair[1])
    };
    logs.iter().filter_map(resumed).min()
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
