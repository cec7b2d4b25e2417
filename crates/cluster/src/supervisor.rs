//! Keeps one process running, as a pod would be, and tells what became of it.

use crate::backoff::Backoff;
use crate::event::Event;
use crate::group::Shared;
use crate::process::ProcessSpec;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs until the group stops, or until the process ended and is not to be started again.
pub(crate) async fn supervise(process: ProcessSpec, shared: Arc<Shared>) {
    let mut backoff = Backoff::default();
    while !shared.is_stopping() {
        let born = Instant::now();
        let ended = run_once(&process, &shared).await;
        let delay = backoff.after(born.elapsed());
        let again_in = (shared.restart && !shared.is_stopping()).then_some(delay);
        shared.tell(ended.event(&process, again_in, backoff.deaths()));
        match again_in {
            Some(delay) => shared.sleep_unless_stopping(delay).await,
            None => break,
        }
    }
}

async fn run_once(process: &ProcessSpec, shared: &Shared) -> Ended {
    let mut child = match process.spawn() {
        Ok(child) => child,
        Err(error) => {
            return Ended {
                how: format!("{error:#}"),
                by_itself: false,
            };
        }
    };
    let pid = child.id().map(|pid| pid as i32);
    shared.set_pid(process, pid);
    if let Some(pid) = pid {
        shared.tell(Event::Started {
            name: process.name.clone(),
            role: process.role.subcommand(),
            pid,
        });
    }
    let status = child.wait().await;
    // No await between reaping and forgetting the pid: nobody can signal a stranger in between.
    shared.set_pid(process, None);
    match status {
        Ok(status) => Ended {
            how: describe(status),
            by_itself: status.code().is_some_and(|code| code != 0),
        },
        Err(error) => Ended {
            how: error.to_string(),
            by_itself: false,
        },
    }
}

struct Ended {
    how: String,
    by_itself: bool,
}

impl Ended {
    fn event(self, process: &ProcessSpec, again_in: Option<Duration>, deaths: usize) -> Event {
        let said = if self.by_itself {
            process.last_words()
        } else {
            None
        };
        let (name, role) = (process.name.clone(), process.role.subcommand());
        Event::Ended {
            name,
            role,
            how: self.how,
            said,
            again_in,
            deaths,
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}
