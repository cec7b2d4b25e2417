//! What goes through the gate, as tables for people.

use crate::bench::figures::{Figures, GateFigures, median};
use crate::bench::{distance, sync};
use std::fmt::Write;

/// The gate beside a plain redis-server.
pub(super) fn gate(figures: &Figures) -> String {
    if figures.gate.is_empty() {
        return String::new();
    }
    "\n## The gate\n\nredis-benchmark through the gate of a group with `quorum` durability, beside a plain redis-server; 3 \
         replicas each, in turns on the same machine, which all of them share: clients, servers, replicas, gate. Medians; ratios are medians of the \
         rounds' ratios. CPU is per request, on the primary's side; the agent's includes the stream to the replicas.\n\n"
        .to_owned()
        + &beside(&figures.gate, "plain", "plain")
}

/// `fsync` durability beside plain redis-servers that sync.
pub(super) fn fsync(figures: &Figures) -> String {
    if figures.fsync.is_empty() {
        return String::new();
    }
    format!(
        "\n## What `fsync` costs\n\nredis-benchmark through the gate of a group with `fsync` durability, where the primary and k replicas have \
         synced before a reply goes out, beside plain redis-servers, where no replica is waited for: `appendfsync always` syncs before it \
         answers, `everysec` does not. 3 replicas each, in turns on the same machine and disk, which all of them share; every node syncs for \
         itself. A sync of 100 appended bytes took {:.2} ms there, of nobody else (median of {}, before the groups were started). Medians; \
         ratios are medians of the rounds' ratios.\n\n",
        median(&figures.sync_ms),
        figures.sync_ms.len()
    ) + &beside(&figures.fsync, sync::ALWAYS, "always")
}

/// Each row with its ratios to the system `base`.
fn beside(rows: &[GateFigures], base: &str, title: &str) -> String {
    let mut text = format!(
        "| work | system | per second | of {title} | p50 / p99 ms | p99 of {title} | CPU agent + server µs |\n|---|---|---|---|---|---|---|\n"
    );
    for row in rows {
        let base = row.beside(rows, base);
        let _ = writeln!(
            text,
            "| {} | {} | {:.0} | {:.2} | {:.2} / {:.2} | {:.1} × | {:.1} + {:.1} |",
            row.work,
            row.system,
            median(&row.per_second),
            row.ratio(base, |row| &row.per_second),
            median(&row.p50_ms),
            median(&row.p99_ms),
            row.ratio(base, |row| &row.p99_ms),
            median(&row.agent_micros),
            median(&row.server_micros)
        );
    }
    text
}

/// The gate with replicas far away.
pub(super) fn distance(figures: &Figures) -> String {
    if figures.distance.is_empty() {
        return String::new();
    }
    let mut text = "\n## The gate, replicas 0.5 ms away\n\nEvery node in a network namespace, a relay that holds each direction between replicas and primary for \
         0.25 ms; clients are near. `WAIT` goes to a plain redis-server, behind every write. Latency is that of a pipeline.\n\n\
         | work | system | per second | of WAIT | p50 / p99 ms |\n|---|---|---|---|---|\n"
        .to_owned();
    for row in &figures.distance {
        let wait = row.beside(&figures.distance, distance::WAIT);
        let _ = writeln!(
            text,
            "| {} | {} | {:.0} | {:.2} | {:.2} / {:.2} |",
            row.work,
            row.system,
            median(&row.per_second),
            row.ratio(wait, |row| &row.per_second),
            median(&row.p50_ms),
            median(&row.p99_ms),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_compared_with_the_one_that_syncs_too() {
        let row = |system: &str, per_second: f64| GateFigures {
            per_second: vec![per_second; 3],
            ..GateFigures::new("SET", system)
        };
        let figures = Figures {
            fsync: vec![row(sync::ALWAYS, 200.0), row("fsync, k = 1", 150.0)],
            sync_ms: vec![0.5; 3],
            ..Figures::default()
        };
        let text = fsync(&figures);
        assert!(text.contains("took 0.50 ms there"), "{text}");
        assert!(
            text.contains("| SET | fsync, k = 1 | 150 | 0.75 |"),
            "{text}"
        );
        assert_eq!(fsync(&Figures::default()), "");
    }
}
