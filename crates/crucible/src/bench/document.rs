//! `failover.md`: the tables for people.

use crate::bench::event::Event;
use crate::bench::figures::{CostFigures, EventFigures, Figures};
use crate::bench::tables;
use crate::measure::Quantiles;
use crate::target::{Against, Durability};
use std::fmt::Write;

/// Renders all tables that have content.
pub fn render(figures: &Figures) -> String {
    let mut text = head(figures);
    text += &events(figures);
    text += &losses(figures);
    text += &throughput(figures);
    text += &costs(figures);
    text += &soaks(figures);
    text += &tables::gate(figures);
    text += &tables::fsync(figures);
    text += &tables::distance(figures);
    text
}

fn head(figures: &Figures) -> String {
    let machine = &figures.machine;
    format!(
        "# Failover, measured\n\nHoldfast beside stock redis-sentinel (3 sentinels, down-after 500 ms), 1 primary and 3 replicas, \
         loopback, alternating rounds in the same run.\n{} cores, {} MiB, Linux {}; {}; load average at the start {}. \
         Written by `holdfast bench`; raw values in [failover.json](failover.json).\n\n![plot](failover.svg)\n\n![crash](crash.svg)\n",
        machine.cores, machine.memory_mib, machine.kernel, machine.server, machine.load
    )
}

fn events(figures: &Figures) -> String {
    if figures.events.is_empty() {
        return String::new();
    }
    let mut text = "\n## Event to first acknowledged write\n\nMilliseconds, median / 99th percentile / maximum, of a client that \
         follows the sentinels. For the handoff: the longest pause between two acknowledged writes.\n\n\
         | event | goal p50 / p99 | holdfast | goal met | stock |\n|---|---|---|---|---|\n"
        .to_owned();
    for (durability, event) in present_events(figures) {
        let goal = event
            .goal_ms(durability)
            .map_or("–".to_owned(), |(p50, p99)| format!("{p50} / {p99}"));
        let find = |against| find(figures, durability, event, against);
        let cell = |against| find(against).map_or("–".to_owned(), times);
        let met = find(Against::Holdfast).and_then(EventFigures::goal_met);
        let met = met.map_or("–", |met| if met { "yes" } else { "no" });
        let _ = writeln!(
            text,
            "| {} | {goal} | {} | {met} | {} |",
            row_title(durability, event),
            cell(Against::Holdfast),
            cell(Against::Upstream)
        );
    }
    text
}

fn losses(figures: &Figures) -> String {
    if figures.events.is_empty() {
        return String::new();
    }
    let mut text = "\n## What was lost\n\nAcknowledged writes lost by clients that follow the sentinels + by clients that hang on to one node, \
         of all acknowledged; and writes that an old primary acknowledged after the new one had begun to (– where gates carry \
         sessions to the new primary).\n\n\
         | event | holdfast lost | holdfast two writable | stock lost | stock two writable |\n|---|---|---|---|---|\n"
        .to_owned();
    for (durability, event) in present_events(figures) {
        let cells =
            |against| find(figures, durability, event, against).map_or("– | –".to_owned(), lost);
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            row_title(durability, event),
            cells(Against::Holdfast),
            cells(Against::Upstream)
        );
    }
    text
}

fn lost(found: &EventFigures) -> String {
    let two_writable = match found.durability {
        Durability::Async => found.two_writable.to_string(),
        _ => "–".to_owned(),
    };
    format!(
        "{} + {} of {} | {two_writable}",
        found.lost, found.lost_pinned, found.acknowledged
    )
}

fn row_title(durability: Durability, event: Event) -> String {
    match durability {
        Durability::Async => event.title().to_owned(),
        _ => format!("{}, `{durability}`", event.title()),
    }
}

fn present_events(figures: &Figures) -> Vec<(Durability, Event)> {
    let row = |figures: &EventFigures| (figures.durability, figures.event);
    let mut events: Vec<_> = figures.events.iter().map(row).collect();
    events.dedup();
    events
}

fn find(
    figures: &Figures,
    durability: Durability,
    event: Event,
    against: Against,
) -> Option<&EventFigures> {
    figures.events.iter().find(|figures| {
        (figures.durability, figures.event, figures.against) == (durability, event, against)
    })
}

fn times(figures: &EventFigures) -> String {
    let found = figures.quantiles();
    let failed = if figures.failed > 0 {
        format!(", {} rounds failed", figures.failed)
    } else {
        String::new()
    };
    let digits = usize::from(found.p50 < 20.0);
    format!(
        "{:.digits$} / {:.digits$} / {:.digits$} ({} rounds{failed})",
        found.p50, found.p99, found.max, found.count
    )
}

fn throughput(figures: &Figures) -> String {
    if figures.throughput.is_empty() {
        return String::new();
    }
    let mut text = "\n## `SENTINEL get-master-addr-by-name`\n\nAnswers per second of one sentinel, redis-benchmark with 50 connections, \
         no pipelining.\n\n| system | median | least | most |\n|---|---|---|---|\n"
        .to_owned();
    for row in &figures.throughput {
        let found = Quantiles::of(&row.per_second);
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.0} |",
            row.against, found.p50, found.min, found.max
        );
    }
    text
}

fn costs(figures: &Figures) -> String {
    if figures.costs.is_empty() {
        return String::new();
    }
    let mut text = "\n## Cost\n\nThe most expensive process of its kind.\n\n| state | process | system | resident MiB | % of a core |\n\
         |---|---|---|---|---|\n"
        .to_owned();
    for CostFigures {
        against,
        role,
        state,
        rss_mib,
        cpu_percent,
    } in &figures.costs
    {
        let cpu = cpu_percent.map_or("–".to_owned(), |percent| format!("{percent:.2}"));
        let _ = writeln!(
            text,
            "| {state} | {role} | {against} | {rss_mib:.1} | {cpu} |"
        );
    }
    text
}

fn soaks(figures: &Figures) -> String {
    if figures.soaks.is_empty() {
        return String::new();
    }
    let mut text = "\n## False failovers\n\n| system | seconds | failovers | longest pause ms | lost | stress |\n|---|---|---|---|---|---|\n".to_owned();
    for soak in &figures.soaks {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.0} | {} of {} | {} |",
            soak.against,
            soak.seconds,
            soak.failovers,
            soak.longest_pause_ms,
            soak.lost,
            soak.acknowledged,
            soak.stress
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_published_tables_show_the_published_figures() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks");
        let shown = std::fs::read_to_string(dir.join("failover.md")).unwrap_or_default();
        let figures = Figures::load(&dir).unwrap_or_default();
        assert_eq!(shown, render(&figures));
    }
}
