//! What `fsync` durability costs: redis-benchmark through its gate, beside plain redis-servers that sync before they answer, and
//! once a second.

use crate::bench::figures::Figures;
use crate::bench::gate::{Work, take_turns};
use crate::options::{BenchOptions, GroupOptions};
use crate::target::{Against, Durability};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// What the others are compared with: what one would run to keep what is acknowledged on one machine.
pub(super) const ALWAYS: &str = "plain, always";

/// Syncs of the idle disk.
const SYNCS: usize = 200;

/// Fewer requests than without disks: each round of a plain redis-server is a sync.
const WORK: &[Work] = &[
    ("SET, 50 connections", 15_000, "-t set -c 50 -d 100"),
    ("GET, 50 connections", 30_000, "-t get -c 50 -d 100"),
    ("SET, 200 connections", 30_000, "-t set -c 200 -d 100"),
    (
        "SET, 50 × pipeline 16",
        100_000,
        "-t set -c 50 -d 100 -P 16",
    ),
    ("SET 1 MiB, 8 connections", 100, "-t set -c 8 -d 1048576"),
    ("SET, 1 connection", 1_000, "-t set -c 1 -d 100"),
];

/// Measures the disk, then every kind of work.
pub async fn measure(options: &BenchOptions, dir: &Path, figures: &mut Figures) -> Result<()> {
    figures.sync_ms = syncs(dir).context("measure the disk")?;
    let always = options.group.fsync(1);
    let everysec = GroupOptions {
        durability: Durability::Async,
        ..options.group.clone()
    };
    let kinds = [
        ("plain, everysec", Against::Upstream, everysec),
        (ALWAYS, Against::Upstream, always.clone()),
        ("fsync, k = 1", Against::Holdfast, always),
        ("fsync, k = 2", Against::Holdfast, options.group.fsync(2)),
    ];
    take_turns(&kinds, WORK, &dir.join("fsync"), |row| {
        figures.put_fsync(row);
    })
    .await
}

/// Milliseconds of each sync of 100 bytes more.
fn syncs(dir: &Path) -> std::io::Result<Vec<f64>> {
    let path = dir.join("sync.tmp");
    let mut file = File::create(&path)?;
    let took = (0..SYNCS).map(|_| {
        file.write_all(&[b'x'; 100])?;
        let began = Instant::now();
        file.sync_data()?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    });
    let took = took.collect();
    std::fs::remove_file(path)?;
    took
}
