//! Pictures of the view for tests, and the one in the README: docs/images/live-view.svg.

#![allow(clippy::unwrap_used)]

use super::draw::{Look, draw};
use super::state::State;
use crate::observation::Observation;
use holdfast_cluster::{Manifest, NodeEntry, SentinelEntry};
use holdfast_core::names::Address;
use holdfast_core::position::Position;
use holdfast_core::status::{GroupStatus, NodeStatus, SentinelStatus};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;

const NOW: u64 = 1_000_000;

/// A group three seconds after its primary was killed.
pub(super) fn sample() -> State {
    let mut state = State::new(
        manifest(),
        "redis 7.0.15".into(),
        "/home/me/holdfast-data".into(),
    );
    state.now_unix_ms = NOW;
    let address = Address::new("127.0.0.1", 26379);
    state.see(&Observation {
        views: vec![(address, Ok(status()))],
    });
    for (before_ms, by, text) in [
        (
            64_000,
            "sentinel-0",
            "appointed redis-0 for epoch 1: nobody has data, and it is the first by name",
        ),
        (63_990, "redis-0", "opened redis-0 to writes in epoch 1"),
        (3_030, "you", "killed the redis-server of redis-0"),
        (
            3_028,
            "sentinel-0",
            "deposed redis-0: redis-server of redis-0 has ended (the server (pid 32525) was ended by SIGKILL)",
        ),
        (3_020, "redis-1", "sealed redis-1 for epoch 2 at 27555"),
        (3_019, "redis-2", "sealed redis-2 for epoch 2 at 27555"),
        (3_018, "redis-3", "sealed redis-3 for epoch 2 at 27555"),
        (
            3_012,
            "sentinel-0",
            "appointed redis-2 for epoch 2: it holds the highest position 1:27555",
        ),
        (3_006, "redis-2", "opened redis-2 to writes in epoch 2"),
        (2_300, "up", "redis-0: redis-server runs (pid 32625)"),
    ] {
        state.tell(NOW - before_ms, by, text);
    }
    state.load.running = true;
    state.load.acknowledged = 1_196;
    state.load.failed = 3;
    state.load.longest_pause_ms = 27.0;
    state.load.latency_ms = 0.2;
    state.load.points = (0..110)
        .map(|i| if i == 63 { 3 } else { 19 + (i * 7 % 3) })
        .collect();
    state
}

fn manifest() -> Manifest {
    let address = |port| Address::new("127.0.0.1", port);
    Manifest {
        group: "mymaster".into(),
        sentinels: (0..3)
            .map(|i| SentinelEntry {
                name: format!("sentinel-{i}"),
                pid: Some(i32::from(100 + i)),
                address: address(26379 + i),
            })
            .collect(),
        nodes: (0..4)
            .map(|i| NodeEntry {
                name: format!("redis-{i}"),
                agent_pid: Some(i32::from(200 + i)),
                server_pid: Some(i32::from(300 + i)),
                address: address(6379 + i),
                data_dir: "/data".into(),
            })
            .collect(),
    }
}

fn status() -> GroupStatus {
    let node = |i: u16| NodeStatus {
        name: format!("redis-{i}"),
        role: if i == 2 { "primary" } else { "replica" }.into(),
        state: "up".into(),
        epoch: 2,
        position: Some(Position {
            epoch: 2,
            offset: 412_907,
        }),
        lag_bytes: (i != 2).then_some(0),
        memory_bytes: Some(1_913_000 + u64::from(i) * 21_000),
        writable: i == 2,
        ..NodeStatus::default()
    };
    let sentinel = |i: u16| SentinelStatus {
        name: format!("sentinel-{i}"),
        connected: true,
        voting: true,
        ..SentinelStatus::default()
    };
    GroupStatus {
        group: "mymaster".into(),
        epoch: 2,
        phase: "stable".into(),
        durability: "async".into(),
        primary: Some("redis-2".into()),
        primary_address: Some(Address::new("127.0.0.1", 6381)),
        nodes: (0..4).map(node).collect(),
        sentinels: (0..3).map(sentinel).collect(),
        ..GroupStatus::default()
    }
}

pub(super) fn rendered(state: &State, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(frame, state, Look::colourful()))
        .unwrap();
    terminal.backend().buffer().clone()
}

pub(super) fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let lines = buffer
        .content
        .chunks(width)
        .map(|cells| cells.iter().map(Cell::symbol).collect::<String>());
    lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// The picture in the README is this very view. `HOLDFAST_WRITE_PICTURES=1 cargo test -p holdfast-cli` draws it anew.
#[test]
fn a_failover_at_a_glance() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/up/view/draw/failover.txt");
    let readme = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/images/live-view.svg"
    );
    let buffer = rendered(&sample(), 112, 30);
    for (file, drawn) in [(here, text(&buffer)), (readme, svg(&buffer))] {
        if std::env::var_os("HOLDFAST_WRITE_PICTURES").is_some() {
            std::fs::write(file, &drawn).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), drawn, "{file}");
    }
}

const CELL_WIDTH: f32 = 8.4;
const LINE_HEIGHT: f32 = 18.0;
const MARGIN: f32 = 14.0;

fn svg(buffer: &Buffer) -> String {
    let (columns, lines) = (f32::from(buffer.area.width), f32::from(buffer.area.height));
    let (width, height) = (
        columns * CELL_WIDTH + 2.0 * MARGIN,
        lines * LINE_HEIGHT + 2.0 * MARGIN,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n"
    );
    for (y, cells) in buffer
        .content
        .chunks(usize::from(buffer.area.width))
        .enumerate()
    {
        let mut x = 0;
        for run in cells.chunk_by(|a, b| looks(a) == looks(b)) {
            put_run(&mut out, x, y, run);
            x += run.len();
        }
    }
    out + "</svg>\n"
}

fn looks(cell: &Cell) -> (Color, Modifier) {
    (cell.fg, cell.modifier)
}

/// One piece of text in one look; each has its place, so that no font can shift the columns.
fn put_run(out: &mut String, x: usize, y: usize, run: &[Cell]) {
    let text: String = run.iter().map(Cell::symbol).collect();
    let (left, top) = (
        MARGIN + x as f32 * CELL_WIDTH,
        MARGIN + y as f32 * LINE_HEIGHT,
    );
    let width = run.len() as f32 * CELL_WIDTH;
    let reversed = run[0].modifier.contains(Modifier::REVERSED);
    if reversed {
        writeln!(out, "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{LINE_HEIGHT}\" fill=\"#3a4150\"/>").unwrap();
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if run[0].modifier.contains(Modifier::BOLD) {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" fill=\"{}\"{weight} xml:space=\"preserve\">{escaped}</text>",
        top + 13.5,
        colour(run[0].fg)
    )
    .unwrap();
}

fn colour(colour: Color) -> &'static str {
    match colour {
        Color::Green => "#7fd18b",
        Color::Yellow => "#e6c46a",
        Color::Red => "#f07178",
        Color::DarkGray => "#7d8594",
        _ => "#e4e7ee",
    }
}
