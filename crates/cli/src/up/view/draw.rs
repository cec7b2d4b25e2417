//! Draws the state; nothing is decided here.

mod panels;
#[cfg(test)]
mod tests;

use super::keys;
use super::state::State;
use crate::paint::{Tone, wanted};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Paragraph;

/// How tones look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    colours: bool,
}

impl Look {
    /// With colours, unless `NO_COLOR` forbids them.
    pub(super) fn of_terminal() -> Self {
        Self { colours: wanted() }
    }

    #[cfg(test)]
    pub(super) fn colourful() -> Self {
        Self { colours: true }
    }

    pub(super) fn style(self, tone: Tone) -> Style {
        let plain = Style::new();
        let (colour, without) = match tone {
            Tone::Plain => return plain,
            Tone::Strong => return plain.add_modifier(Modifier::BOLD),
            Tone::Faint => (Color::DarkGray, plain.add_modifier(Modifier::DIM)),
            Tone::Good => (Color::Green, plain),
            Tone::Warn => (Color::Yellow, plain.add_modifier(Modifier::BOLD)),
            Tone::Bad => (
                Color::Red,
                plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            ),
        };
        if self.colours {
            plain.fg(colour)
        } else {
            without
        }
    }
}

/// Draws everything. Where there is little room, the story gives way first, then the load.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, look: Look) {
    let heights = [
        Constraint::Length(5),
        Constraint::Length(state.manifest.nodes.len() as u16 + 2),
        Constraint::Length(state.manifest.sentinels.len() as u16 + 2),
        Constraint::Length(4),
        Constraint::Min(0),
        Constraint::Length(1),
    ];
    let [heading, nodes, sentinels, load, story, help] =
        Layout::vertical(heights).areas(frame.area());
    frame.render_widget(panels::heading(state, look), heading);
    frame.render_widget(panels::nodes(state, look), nodes);
    frame.render_widget(panels::sentinels(state, look), sentinels);
    panels::load(frame, load, state, look);
    frame.render_widget(panels::story(state, look, story), story);
    frame.render_widget(
        Paragraph::new(keys::HELP).style(look.style(Tone::Faint)),
        help,
    );
}
