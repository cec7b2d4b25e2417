//! The disk thread: writes, syncs, and only then lets the answers go.

use crate::control::Notice;
use crate::register_file::RegisterFile;
use holdfast_core::names::Sentinel;
use holdfast_core::sentinel::Written;
use holdfast_core::wire::PeerMessage;
use std::sync::mpsc as std_mpsc;
use std::thread;
use tokio::sync::mpsc;

/// Writes that may wait for a slow disk. Past it the newest are dropped, unanswered: those who asked ask again.
const WAITING_MAX: usize = 4096;

type Write = (Written, Vec<(Sentinel, PeerMessage)>);

/// The way to the disk thread.
pub(super) struct Disk(std_mpsc::SyncSender<Write>);

impl Disk {
    /// Starts the thread.
    pub(super) fn start(file: RegisterFile, inbox: mpsc::Sender<Notice>) -> std::io::Result<Self> {
        let (sender, receiver) = std_mpsc::sync_channel(WAITING_MAX);
        thread::Builder::new()
            .name("disk".into())
            .spawn(move || run(file, &receiver, &inbox))?;
        Ok(Self(sender))
    }

    /// Has something written, and `then` sent when it is safe.
    pub(super) fn write(&self, written: Written, then: Vec<(Sentinel, PeerMessage)>) {
        if self.0.try_send((written, then)).is_err() {
            tracing::warn!(
                "write the register: the disk is too slow; this sentinel does not answer"
            );
        }
    }
}

/// Everything that came in while the disk was busy shares its next sync.
fn run(mut file: RegisterFile, receiver: &std_mpsc::Receiver<Write>, inbox: &mpsc::Sender<Notice>) {
    let mut failing = false;
    while let Ok(first) = receiver.recv() {
        let mut answers = Vec::new();
        let mut result = Ok(());
        for (written, then) in std::iter::once(first).chain(receiver.try_iter()) {
            result = result.and(file.append(&written));
            answers.extend(then);
        }
        match result.and_then(|()| file.sync()) {
            Ok(()) => {
                if std::mem::take(&mut failing) {
                    tracing::info!("write the register: the disk works again");
                }
                if inbox.blocking_send(Notice::Persisted(answers)).is_err() {
                    return;
                }
                if let Err(error) = file.make_room() {
                    tracing::warn!("make room for the register: {error}");
                }
            }
            // Whoever cannot remember must not answer; a majority of the others suffices.
            Err(error) if !std::mem::replace(&mut failing, true) => {
                tracing::error!(
                    "write the register: {error}; this sentinel does not vote until its disk works"
                );
            }
            Err(_) => {}
        }
    }
}
