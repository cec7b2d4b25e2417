//! The parts of the picture.

use super::super::state::State;
use super::Look;
use crate::paint::Tone;
use crate::status::state_tone;
use crate::units::{ago, bytes};
use holdfast_cluster::{NodeEntry, SentinelEntry};
use holdfast_core::status::{Decision, NodeStatus, SentinelStatus};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Sparkline, Table};

/// Register, and how to connect: always the first lines.
pub(super) fn heading(state: &State, look: Look) -> Paragraph<'static> {
    let label = |text: &str| Span::styled(format!("{text:<11}"), look.style(Tone::Faint));
    let sentinels: Vec<String> = state
        .manifest
        .sentinels
        .iter()
        .map(|sentinel| sentinel.address.to_string())
        .collect();
    let register = state.status.as_ref().map_or_else(
        || "no sentinel has answered yet".to_owned(),
        |status| {
            format!(
                "epoch {}, {}, {} durability",
                status.epoch, status.phase, status.durability
            )
        },
    );
    let strong = Span::styled(
        format!("group {}", state.manifest.group),
        look.style(Tone::Strong),
    );
    let first = Line::from(vec![
        label("holdfast"),
        strong,
        Span::raw(format!("  {register}  {}", state.server)),
    ]);
    Paragraph::new(vec![
        first,
        Line::from(vec![label("connect"), connect(state, look)]),
        Line::from(vec![label("sentinels"), Span::raw(sentinels.join(" "))]),
        Line::from(vec![
            label("folder"),
            Span::raw(format!("{} (data and logs stay there)", state.dir)),
        ]),
        trouble(state, look),
    ])
}

fn connect(state: &State, look: Look) -> Span<'static> {
    let Some(status) = &state.status else {
        return Span::raw("…");
    };
    let Some((name, address)) = status.primary.as_ref().zip(status.primary_address.as_ref()) else {
        return Span::styled("no primary yet", look.style(Tone::Warn));
    };
    let writable = status
        .nodes
        .iter()
        .any(|node| node.name == *name && node.writable);
    let (what, tone) = if writable {
        ("is primary", Tone::Good)
    } else {
        ("takes no writes now", Tone::Warn)
    };
    Span::styled(
        format!("redis-cli -p {}   ({name} {what})", address.port),
        look.style(tone),
    )
}

fn trouble(state: &State, look: Look) -> Line<'static> {
    let trouble = state.silence().or_else(|| {
        state
            .status
            .as_ref()
            .and_then(|status| status.trouble.clone())
    });
    Line::styled(trouble.unwrap_or_default(), look.style(Tone::Bad))
}

fn panel(title: &'static str, look: Look) -> Block<'static> {
    Block::new()
        .borders(Borders::TOP)
        .border_style(look.style(Tone::Faint))
        .title(title)
        .title_style(look.style(Tone::Strong))
}

fn head(cells: &[&'static str], look: Look) -> Row<'static> {
    Row::new(cells.iter().map(|cell| Cell::new(*cell))).style(look.style(Tone::Faint))
}

fn row(cells: Vec<(String, Tone)>, selected: bool, look: Look) -> Row<'static> {
    let mark = if selected { "›" } else { " " };
    let cells = cells
        .into_iter()
        .map(|(text, tone)| Cell::new(Span::styled(text, look.style(tone))));
    let style = if selected {
        Style::new().add_modifier(Modifier::REVERSED)
    } else {
        Style::new()
    };
    Row::new(std::iter::once(Cell::new(mark)).chain(cells)).style(style)
}

const NODE_HEAD: [&str; 10] = [
    "", "node", "role", "state", "address", "epoch", "position", "lag", "memory", "note",
];

pub(super) fn nodes(state: &State, look: Look) -> Table<'static> {
    let widths = [1, 10, 8, 11, 16, 5, 14, 10, 10]
        .map(Constraint::Length)
        .into_iter()
        .chain([Constraint::Min(4)]);
    let rows = state.manifest.nodes.iter().enumerate().map(|(i, entry)| {
        let known = state
            .status
            .as_ref()
            .and_then(|status| status.nodes.iter().find(|node| node.name == entry.name));
        row(
            node_cells(entry, known, state),
            state.selected_node() == Some(i),
            look,
        )
    });
    Table::new(rows, widths)
        .header(head(&NODE_HEAD, look))
        .block(panel("", look))
}

fn node_cells(entry: &NodeEntry, known: Option<&NodeStatus>, state: &State) -> Vec<(String, Tone)> {
    let unknown = NodeStatus {
        state: "unknown".to_owned(),
        role: "-".to_owned(),
        ..NodeStatus::default()
    };
    let node = known.unwrap_or(&unknown);
    let role_tone = if node.writable {
        Tone::Good
    } else {
        Tone::Plain
    };
    let dash = || "-".to_owned();
    let lag = node.lag_bytes.filter(|_| node.role != "primary");
    vec![
        (entry.name.clone(), Tone::Plain),
        (node.role.clone(), role_tone),
        (node.state.clone(), state_tone(&node.state)),
        (entry.address.to_string(), Tone::Plain),
        (node.epoch.to_string(), Tone::Plain),
        (
            node.position
                .map_or_else(dash, |position| position.to_string()),
            Tone::Plain,
        ),
        (lag.map_or_else(dash, bytes), Tone::Plain),
        (node.memory_bytes.map_or_else(dash, bytes), Tone::Plain),
        (node_note(entry, node, state), Tone::Warn),
    ]
}

fn node_note(entry: &NodeEntry, node: &NodeStatus, state: &State) -> String {
    let frozen = state
        .is_frozen(entry.server_pid)
        .then(|| "frozen".to_owned());
    let no_agent = entry.agent_pid.is_none().then(|| "agent down".to_owned());
    let no_server = entry.server_pid.is_none().then(|| "server down".to_owned());
    let suspected = (!node.suspected_by.is_empty())
        .then(|| format!("suspected by {}", node.suspected_by.join(", ")));
    [frozen, no_agent, no_server, suspected, node.reason.clone()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}

const SENTINEL_HEAD: [&str; 6] = ["", "sentinel", "state", "votes", "address", "suspects"];

pub(super) fn sentinels(state: &State, look: Look) -> Table<'static> {
    let widths = [1, 10, 11, 8, 16]
        .map(Constraint::Length)
        .into_iter()
        .chain([Constraint::Min(4)]);
    let rows = state
        .manifest
        .sentinels
        .iter()
        .enumerate()
        .map(|(i, entry)| {
            let known = state
                .status
                .as_ref()
                .and_then(|status| status.sentinels.iter().find(|s| s.name == entry.name));
            row(
                sentinel_cells(entry, known, state),
                state.selected_sentinel() == Some(i),
                look,
            )
        });
    Table::new(rows, widths)
        .header(head(&SENTINEL_HEAD, look))
        .block(panel("", look))
}

fn sentinel_cells(
    entry: &SentinelEntry,
    known: Option<&SentinelStatus>,
    state: &State,
) -> Vec<(String, Tone)> {
    let (word, tone) = match (entry.pid, known) {
        (None, _) => ("down", Tone::Bad),
        (pid, _) if state.is_frozen(pid) => ("frozen", Tone::Warn),
        (_, None) => ("unknown", Tone::Warn),
        (_, Some(sentinel)) if sentinel.connected => ("connected", Tone::Good),
        _ => ("unreachable", Tone::Bad),
    };
    let votes = known.is_some_and(|sentinel| sentinel.voting);
    let suspects = known
        .and_then(|sentinel| sentinel.suspects.clone())
        .unwrap_or_else(|| "-".to_owned());
    vec![
        (entry.name.clone(), Tone::Plain),
        (word.to_owned(), tone),
        (
            if votes { "yes" } else { "no" }.to_owned(),
            if votes { Tone::Plain } else { Tone::Warn },
        ),
        (entry.address.to_string(), Tone::Plain),
        (suspects, Tone::Warn),
    ]
}

/// Counts on one line, the curve under it.
pub(super) fn load(frame: &mut Frame<'_>, area: Rect, state: &State, look: Look) {
    let block = panel("", look);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [counts, curve] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inner);
    frame.render_widget(Paragraph::new(load_text(state)), counts);
    let points: Vec<u64> = state.load.points.iter().copied().collect();
    let fitting = points.len().saturating_sub(usize::from(curve.width));
    frame.render_widget(
        Sparkline::default()
            .data(&points[fitting..])
            .style(look.style(Tone::Good)),
        curve,
    );
}

fn load_text(state: &State) -> String {
    let load = &state.load;
    if load.acknowledged + load.failed == 0 && !load.running {
        return "load off: l starts 200 writes a second, to see how long they pause".to_owned();
    }
    let tenths: u64 = load.points.iter().rev().skip(1).take(10).sum();
    let state = if load.running {
        format!("{tenths} writes/s")
    } else {
        "load off".to_owned()
    };
    format!(
        "{state}  {} acknowledged  {} refused or unanswered  latency {:.1} ms  longest pause {:.0} ms",
        load.acknowledged, load.failed, load.latency_ms, load.longest_pause_ms
    )
}

/// The newest sentences that fit, the newest last; long ones go on in the next line.
pub(super) fn story(state: &State, look: Look, area: Rect) -> Paragraph<'static> {
    let room = usize::from(area.height.saturating_sub(1));
    let width = usize::from(area.width).saturating_sub(MARGIN).max(20);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for decision in state.story.iter().rev().take(room) {
        let wrapped = sentence(decision, state.now_unix_ms, width, look);
        lines.splice(0..0, wrapped);
    }
    let lines = lines.split_off(lines.len().saturating_sub(room));
    Paragraph::new(lines).block(panel("last decisions ", look))
}

/// Columns before a sentence: when, and whose it is.
const MARGIN: usize = 24;

fn sentence(decision: &Decision, now_unix_ms: u64, width: usize, look: Look) -> Vec<Line<'static>> {
    let margin = format!(
        "{:>11}  {:<11}",
        ago(decision.at_unix_ms, now_unix_ms),
        decision.by
    );
    let margins = std::iter::once(margin).chain(std::iter::repeat(" ".repeat(MARGIN)));
    let line = |(margin, text)| {
        Line::from(vec![
            Span::styled(margin, look.style(Tone::Faint)),
            Span::raw(text),
        ])
    };
    margins
        .zip(wrapped(&decision.text, width))
        .map(line)
        .collect()
}

/// The text in lines of at most `width` characters, broken at blanks where there are any.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
