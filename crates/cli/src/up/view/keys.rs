//! What each key does.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Next,
    Previous,
    /// SIGKILL to the selected process.
    Kill,
    /// SIGKILL to the selected node's agent and redis-server together.
    KillBoth,
    /// SIGSTOP.
    Freeze,
    /// SIGCONT.
    Thaw,
    /// SIGTERM, and start again: a handoff first where the node is primary.
    Restart,
    /// To the selected replica, or to the best one.
    Handoff,
    /// Load on or off.
    Load,
    Quit,
}

pub(super) const HELP: &str =
    "↑↓ select  k kill  K kill with agent  z freeze  t thaw  r restart  h handoff  l load  q quit";

pub(super) fn action(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return matches!(key.code, KeyCode::Char('c' | 'd')).then_some(Action::Quit);
    }
    Some(match key.code {
        KeyCode::Down | KeyCode::Tab | KeyCode::Char('j') => Action::Next,
        KeyCode::Up | KeyCode::BackTab => Action::Previous,
        KeyCode::Char('k') => Action::Kill,
        KeyCode::Char('K') => Action::KillBoth,
        KeyCode::Char('z') => Action::Freeze,
        KeyCode::Char('t') => Action::Thaw,
        KeyCode::Char('r') => Action::Restart,
        KeyCode::Char('h') => Action::Handoff,
        KeyCode::Char('l') => Action::Load,
        KeyCode::Char('q') => Action::Quit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_what_the_help_says() {
        let press = |code| action(KeyEvent::new(code, KeyModifiers::NONE));
        assert_eq!(press(KeyCode::Char('k')), Some(Action::Kill));
        assert_eq!(press(KeyCode::Char('K')), Some(Action::KillBoth));
        assert_eq!(press(KeyCode::Up), Some(Action::Previous));
        assert_eq!(press(KeyCode::Char('x')), None);
        for entry in HELP.split("  ").filter(|entry| !entry.starts_with('↑')) {
            let key = entry.chars().next().unwrap_or(' ');
            assert!(press(KeyCode::Char(key)).is_some(), "{entry}");
        }
    }

    #[test]
    fn ctrl_c_quits_and_ctrl_k_kills_nobody() {
        let press = |c| action(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL));
        assert_eq!(press('c'), Some(Action::Quit));
        assert_eq!(press('k'), None);
    }
}
