//! Everything measured, as kept in `failover.json`.

use crate::bench::document;
use crate::bench::event::Event;
use crate::bench::machine::Machine;
use crate::measure::{Quantiles, Timeline};
use crate::report::{chart, plot};
use crate::target::Against;
use crate::target::Durability;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// All rounds of one event against one system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventFigures {
    /// The event.
    pub event: Event,
    /// The system.
    pub against: Against,
    /// What an acknowledgement of it meant.
    #[serde(default)]
    pub durability: Durability,
    /// Milliseconds without an acknowledged write, one per round.
    pub away_ms: Vec<f64>,
    /// Acknowledged writes.
    pub acknowledged: u64,
    /// Acknowledged writes that were lost, by clients that follow the sentinels.
    pub lost: u64,
    /// And by clients that hung on to the old primary.
    pub lost_pinned: u64,
    /// Acknowledgements by an old primary beside the new one.
    pub two_writable: u64,
    /// Acknowledged writes over time, of the median round.
    #[serde(default)]
    pub timeline: Timeline,
    /// Rounds that did not end: no write within the limit, or the group did not come back.
    pub failed: usize,
}

/// `get-master-addr-by-name` per second, one value per run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ThroughputFigures {
    /// The system.
    pub against: Against,
    /// Answers per second.
    pub per_second: Vec<f64>,
}

/// Cost of one kind of process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CostFigures {
    /// The system.
    pub against: Against,
    /// `sentinel` or `agent`.
    pub role: String,
    /// Under what circumstances.
    pub state: String,
    /// Largest resident memory of such a process, in MiB.
    pub rss_mib: f64,
    /// Largest share of a core, in percent; absent if not measured.
    pub cpu_percent: Option<f64>,
}

/// Changes of primary under stress that nobody asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SoakFigures {
    /// The system.
    pub against: Against,
    /// How long, in seconds.
    pub seconds: u64,
    /// What was done to the group.
    pub stress: String,
    /// Changes of primary.
    pub failovers: u64,
    /// Longest time without an acknowledged write, in milliseconds.
    pub longest_pause_ms: f64,
    /// Acknowledged writes, and those lost.
    pub acknowledged: u64,
    /// Lost ones.
    pub lost: u64,
}

/// One kind of work against one system, one value per round.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GateFigures {
    /// The work.
    pub work: String,
    /// `plain`, or what is promised.
    pub system: String,
    /// Requests per second.
    pub per_second: Vec<f64>,
    /// Median of the latency, in milliseconds.
    pub p50_ms: Vec<f64>,
    /// Its 99th percentile.
    pub p99_ms: Vec<f64>,
    /// CPU time of the primary's agent per request, in microseconds; it also relays what goes to the replicas.
    pub agent_micros: Vec<f64>,
    /// CPU time of the primary's redis-server per request, in microseconds.
    pub server_micros: Vec<f64>,
}

impl GateFigures {
    /// Nothing measured yet.
    pub fn new(work: &str, system: &str) -> Self {
        Self {
            work: work.to_owned(),
            system: system.to_owned(),
            ..Self::default()
        }
    }

    /// Medians, in a line.
    pub fn line(&self) -> String {
        format!(
            "{:<26} {:<14} {:>9.0} per second, {:.2} / {:.2} ms, CPU per request: agent {:.1} µs, server {:.1} µs",
            self.work,
            self.system,
            median(&self.per_second),
            median(&self.p50_ms),
            median(&self.p99_ms),
            median(&self.agent_micros),
            median(&self.server_micros)
        )
    }

    /// Median of the ratios to `other`, round by round.
    pub fn ratio(&self, other: &Self, of: impl Fn(&Self) -> &[f64]) -> f64 {
        let pairs = of(self).iter().zip(of(other));
        let ratios: Vec<f64> = pairs.map(|(own, theirs)| own / theirs).collect();
        median(&ratios)
    }

    /// The same work against `system`, among `rows`; itself where that was not measured.
    pub fn beside<'a>(&'a self, rows: &'a [Self], system: &str) -> &'a Self {
        let mut others = rows.iter().filter(|other| other.work == self.work);
        others.find(|other| other.system == system).unwrap_or(self)
    }
}

/// The median of one value per round.
pub fn median(values: &[f64]) -> f64 {
    Quantiles::of(values).p50
}

/// The content of `failover.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Where it was measured.
    pub machine: Machine,
    /// Events.
    pub events: Vec<EventFigures>,
    /// Throughput.
    pub throughput: Vec<ThroughputFigures>,
    /// Memory and CPU.
    pub costs: Vec<CostFigures>,
    /// Soaks.
    pub soaks: Vec<SoakFigures>,
    /// The gate, in the order in which it was measured.
    pub gate: Vec<GateFigures>,
    /// The gate with replicas far away.
    pub distance: Vec<GateFigures>,
    /// The gate in `fsync`.
    pub fsync: Vec<GateFigures>,
    /// Milliseconds of each sync of an otherwise idle disk.
    pub sync_ms: Vec<f64>,
}

impl Figures {
    /// Reads what an earlier run left in `dir`.
    pub fn load(dir: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(dir.join("failover.json")).ok()?).ok()
    }

    /// Writes the three files to `dir`.
    pub fn save(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        let json = serde_json::to_string_pretty(self).context("encode the figures")? + "\n";
        fs::write(dir.join("failover.json"), json).context("write failover.json")?;
        fs::write(dir.join("failover.md"), document::render(self)).context("write failover.md")?;
        plot::draw(&self.series(), &dir.join("failover.svg"))?;
        chart::draw(
            "Writes per second when the primary's redis-server is killed",
            &self.strips(Event::Crash),
            &dir.join("crash.svg"),
        )?;
        chart::draw(
            "Writes per second when the primary hangs",
            &self.strips(Event::Freeze),
            &dir.join("freeze.svg"),
        )
    }

    /// The table, for a terminal too.
    pub fn text(&self) -> String {
        document::render(self)
    }

    /// Replaces the figures of `fresh`'s event, durability and system.
    pub fn put_event(&mut self, fresh: EventFigures) {
        let row = |figures: &EventFigures| (figures.durability, figures.event, figures.against);
        self.events.retain(|old| row(old) != row(&fresh));
        self.events.push(fresh);
        self.events.sort_by_key(row);
    }

    /// Replaces the throughput of `fresh`'s system.
    pub fn put_throughput(&mut self, fresh: ThroughputFigures) {
        self.throughput.retain(|old| old.against != fresh.against);
        self.throughput.push(fresh);
        self.throughput.sort_by_key(|figures| figures.against);
    }

    /// Replaces the cost of `fresh`'s process and state.
    pub fn put_cost(&mut self, fresh: CostFigures) {
        self.costs.retain(|old| {
            (old.against, &old.role, &old.state) != (fresh.against, &fresh.role, &fresh.state)
        });
        self.costs.push(fresh);
        self.costs
            .sort_by(|a, b| (&a.state, &a.role, a.against).cmp(&(&b.state, &b.role, b.against)));
    }

    /// Replaces the soak of `fresh`'s system.
    pub fn put_soak(&mut self, fresh: SoakFigures) {
        self.soaks.retain(|old| old.against != fresh.against);
        self.soaks.push(fresh);
        self.soaks.sort_by_key(|figures| figures.against);
    }

    /// Replaces the figures of `fresh`'s work and system.
    pub fn put_gate(&mut self, fresh: GateFigures) {
        put(&mut self.gate, fresh);
    }

    /// Replaces the figures of `fresh`'s work and system, with replicas far away.
    pub fn put_distance(&mut self, fresh: GateFigures) {
        put(&mut self.distance, fresh);
    }

    /// Replaces the figures of `fresh`'s work and system, with disks that are waited for.
    pub fn put_fsync(&mut self, fresh: GateFigures) {
        put(&mut self.fsync, fresh);
    }

    fn strips(&self, event: Event) -> Vec<chart::Strip> {
        let strip = |figures: &EventFigures| chart::Strip {
            label: figures.against.to_string(),
            timeline: figures.timeline.clone(),
            ours: figures.against == Against::Holdfast,
        };
        self.events
            .iter()
            .filter(|figures| figures.durability == Durability::Async)
            .filter(|figures| figures.event == event && !figures.timeline.0.is_empty())
            .map(strip)
            .collect()
    }

    fn series(&self) -> Vec<plot::Series> {
        let row = |figures: &EventFigures| plot::Series {
            label: figures.label(),
            values: figures.away_ms.clone(),
            ours: figures.against == Against::Holdfast,
        };
        self.events
            .iter()
            .filter(|figures| !figures.away_ms.is_empty())
            .map(row)
            .collect()
    }
}

impl EventFigures {
    /// Event, durability where it is not the default, and system.
    fn label(&self) -> String {
        let event = self.event.drill_label();
        match self.durability {
            Durability::Async => format!("{event} · {}", self.against),
            durability => format!("{event} · {} {durability}", self.against),
        }
    }

    /// Order statistics of the rounds.
    pub fn quantiles(&self) -> Quantiles {
        Quantiles::of(&self.away_ms)
    }

    /// Whether median and 99th percentile are within the event's goal; `None` where it has none or nothing was measured.
    pub fn goal_met(&self) -> Option<bool> {
        let (p50, p99) = self.event.goal_ms(self.durability)?;
        let found = self.quantiles();
        (found.count > 0)
            .then(|| self.failed == 0 && found.p50 <= f64::from(p50) && found.p99 <= f64::from(p99))
    }
}

fn put(rows: &mut Vec<GateFigures>, fresh: GateFigures) {
    let same = |old: &GateFigures| (&old.work, &old.system) == (&fresh.work, &fresh.system);
    match rows.iter().position(same) {
        Some(at) => rows[at] = fresh,
        None => rows.push(fresh),
    }
}
