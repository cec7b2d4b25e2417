//! Carries out what the keys ask for.

use super::keys::Action;
use super::load::Load;
use super::state::State;
use crate::units::unix_ms;
use holdfast_cluster::{AskError, Handoff, LocalGroup, Target, TargetKind};
use std::future::Future as _;
use tokio::task::JoinHandle;

pub(super) struct Actor<'a> {
    group: &'a LocalGroup,
    password: Option<String>,
    load: Option<Load>,
    handoff: Option<JoinHandle<Result<Handoff, AskError>>>,
}

impl<'a> Actor<'a> {
    pub(super) fn new(group: &'a LocalGroup, password: Option<String>) -> Self {
        Self {
            group,
            password,
            load: None,
            handoff: None,
        }
    }

    pub(super) fn act(&mut self, action: Action, state: &mut State) {
        match action {
            Action::Next => state.select_next(),
            Action::Previous => state.select_previous(),
            Action::Load => self.toggle_load(),
            Action::Handoff => self.begin_handoff(state),
            Action::Kill | Action::KillBoth | Action::Freeze | Action::Thaw | Action::Restart => {
                self.signal(action, state);
            }
            Action::Quit => {}
        }
    }

    /// Puts what the load and a running handoff have come to into the state.
    pub(super) fn report(&mut self, state: &mut State) {
        if let Some(load) = &self.load {
            state.load = load.report();
        }
        if self.handoff.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(result) = self.handoff.take().and_then(finished)
        {
            match result {
                Ok(done) => state.tell(unix_ms(), "up", &format!("handoff done: {}", done.text)),
                Err(error) => state.tell(unix_ms(), "up", &format!("no handoff: {error}")),
            }
        }
    }

    fn signal(&self, action: Action, state: &mut State) {
        let Some(selected) = state.selected() else {
            return;
        };
        let agent = Target {
            kind: TargetKind::Agent,
            name: selected.name.clone(),
        };
        let is_node = selected.kind == TargetKind::Server;
        let group = self.group;
        let (told, done) = match action {
            Action::KillBoth if is_node => (
                format!("killed {agent} and its redis-server"),
                // Its agent takes it along, so it may be gone already.
                group
                    .kill(&agent)
                    .and_then(|()| group.kill(&selected).or(Ok(()))),
            ),
            Action::Kill | Action::KillBoth => {
                (format!("killed {selected}"), group.kill(&selected))
            }
            Action::Freeze => (format!("froze {selected}"), group.freeze(&selected)),
            Action::Thaw => (format!("thawed {selected}"), group.thaw(&selected)),
            Action::Restart if is_node => (
                format!("restarted {agent} and its redis-server"),
                group.restart(&agent),
            ),
            _ => (format!("restarted {selected}"), group.restart(&selected)),
        };
        match done {
            Ok(()) => state.tell(unix_ms(), "you", &told),
            Err(error) => return state.tell(unix_ms(), "up", &format!("{error:#}")),
        }
        state.set_frozen(action == Action::Freeze);
    }

    fn toggle_load(&mut self) {
        match &mut self.load {
            Some(load) => load.toggle(),
            None => self.load = Some(Load::start(self.group.client(), self.password.clone())),
        }
    }

    fn begin_handoff(&mut self, state: &mut State) {
        if self.handoff.is_some() {
            return state.tell(unix_ms(), "up", "a handoff is under way");
        }
        let primary = state
            .status
            .as_ref()
            .and_then(|status| status.primary.clone());
        let chosen = state.selected().filter(|target| {
            target.kind == TargetKind::Server && Some(&target.name) != primary.as_ref()
        });
        let to = chosen.map(|target| target.name);
        state.tell(
            unix_ms(),
            "you",
            &format!(
                "asked for a handoff to {}",
                to.as_deref().unwrap_or("the best replica")
            ),
        );
        let client = self.group.client();
        self.handoff = Some(tokio::spawn(
            async move { client.failover(to.as_deref()).await },
        ));
    }
}

/// The result of a task that has ended.
fn finished<T>(task: JoinHandle<T>) -> Option<T> {
    use std::task::{Context, Poll, Waker};
    let mut task = std::pin::pin!(task);
    match task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.ok(),
        Poll::Pending => None,
    }
}
