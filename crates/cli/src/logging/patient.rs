//! Log lines are written by a thread of their own: a disk or a pipe that stalls must not stop whoever logs,
//! and least of all a sentinel in the middle of an election.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Lines that may wait. More are dropped.
const WAITING_MAX: usize = 4096;

/// How long the end of the process waits for the last lines.
const FLUSH_WITHIN: Duration = Duration::from_millis(500);

enum Line {
    Text(Vec<u8>),
    Flush(SyncSender<()>),
}

static LINES: OnceLock<SyncSender<Line>> = OnceLock::new();

/// Hands whole lines to the thread.
pub(super) struct Patient;

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full queue drops the line: there is nobody to tell but the log itself.
        let _ = lines().try_send(Line::Text(bytes.to_vec()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits a moment for what was logged to be written.
pub(crate) fn flush() {
    let Some(lines) = LINES.get() else { return };
    let (done, wait) = sync_channel(1);
    if lines.try_send(Line::Flush(done)).is_ok() {
        let _ = wait.recv_timeout(FLUSH_WITHIN);
    }
}

fn lines() -> &'static SyncSender<Line> {
    LINES.get_or_init(|| {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        // Without the thread the lines are dropped, as they are when it cannot keep up.
        let _ = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&receiver));
        sender
    })
}

fn write_all(lines: &Receiver<Line>) {
    while let Ok(line) = lines.recv() {
        match line {
            Line::Text(text) => drop(io::stderr().write_all(&text)),
            Line::Flush(done) => drop(done.try_send(())),
        }
    }
}
