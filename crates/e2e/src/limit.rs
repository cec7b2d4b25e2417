//! The end, when it does not come by itself: too much time, or a signal.

use crate::stage::Ending;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// From now on, `ending` is carried out and the process ends after `limit`, at SIGTERM or at SIGINT.
pub(crate) fn watch(limit: Duration, ending: &Ending) {
    let ending = ending.clone();
    std::thread::spawn(move || {
        let why = wait(limit);
        eprintln!("e2e: ended early: {why}");
        ending.end("ended-early", &why);
        std::process::exit(1);
    });
}

/// A runtime of its own for the signals: a mask instead would be inherited by all programs that are started.
fn wait(limit: Duration) -> String {
    let late = format!("the promises took longer than {} s", limit.as_secs());
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        std::thread::sleep(limit);
        return late;
    };
    runtime.block_on(async {
        let (Ok(mut terminate), Ok(mut interrupt)) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) else {
            tokio::time::sleep(limit).await;
            return late;
        };
        tokio::select! {
            _ = terminate.recv() => "SIGTERM".into(),
            _ = interrupt.recv() => "SIGINT".into(),
            () = tokio::time::sleep(limit) => late,
        }
    })
}
