//! The numbers: each event many times, Holdfast beside stock redis-sentinel, and what idling and asking cost.

pub mod ballast;
pub mod connections;
pub mod distance;
pub mod document;
pub mod event;
pub mod events;
pub mod figures;
pub mod gate;
pub mod idle;
pub mod load;
pub mod machine;
pub mod soak;
pub mod sync;
mod tables;
pub mod throughput;

pub use event::Event;
pub use figures::Figures;

use crate::drill::Workplace;
use crate::options::BenchOptions;
use anyhow::Result;

/// Parts of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Part {
    /// Time from each event to the first acknowledged write.
    Events,
    /// `get-master-addr-by-name` under redis-benchmark.
    Throughput,
    /// Memory and CPU of idle processes.
    Idle,
    /// Memory of a sentinel with 10,000 idle connections.
    Connections,
    /// False failovers under stress.
    Soak,
    /// Reads and writes through the gate, beside a plain redis-server.
    Gate,
    /// Reads and writes in `fsync`, beside plain redis-servers that sync.
    Fsync,
    /// The gate with replicas that are 0.5 ms away, beside `WAIT` (needs network namespaces).
    Distance,
}

/// Measures, writes `failover.json`, `failover.md` and `failover.svg` to `options.out`, and gives the figures. One line per
/// measurement goes to stderr. Figures of an earlier run are kept where this run measures nothing.
///
/// # Errors
/// When a group cannot be started or the files cannot be written.
pub async fn bench(options: BenchOptions) -> Result<Figures> {
    let place = Workplace::open(options.group.dir.as_deref())?;
    let mut figures = Figures::load(&options.out).unwrap_or_default();
    figures.machine = machine::describe(&options.group.server);
    let work = measure(&options, place.path(), &mut figures);
    tokio::select! {
        done = work => done?,
        _ = tokio::signal::ctrl_c() => eprintln!("stopped"),
    }
    figures.save(&options.out)?;
    Ok(figures)
}

async fn measure(
    options: &BenchOptions,
    dir: &std::path::Path,
    figures: &mut Figures,
) -> Result<()> {
    for part in options.chosen_parts() {
        match part {
            Part::Events => events::measure(options, dir, figures).await?,
            Part::Throughput => throughput::measure(options, dir, figures).await?,
            Part::Idle => idle::measure(options, dir, figures).await?,
            Part::Connections => connections::measure(options, dir, figures).await?,
            Part::Soak => soak::measure(options, dir, figures).await?,
            Part::Gate => gate::measure(options, dir, figures).await?,
            Part::Fsync => sync::measure(options, dir, figures).await?,
            Part::Distance => distance::measure(options, dir, figures).await?,
        }
        // What is measured is kept, even if the next part fails.
        figures.save(&options.out)?;
    }
    Ok(())
}
