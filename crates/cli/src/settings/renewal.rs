//! Settings that change while a role runs: its file, and the files named there.

use super::effective::complete;
use super::{RoleArgs, Settings};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Pace at which the files are looked at. Kubernetes takes about a minute to bring a change into a pod anyway.
const PACE: Duration = Duration::from_secs(2);

/// Room for the parser of the file.
const STACK: usize = 1 << 20;

/// Options made anew, or why there are none.
type Renewed<S> = Result<<S as Settings>::Options, String>;

/// What tells one content of a file from another without reading it; a link is followed, so that one that points
/// elsewhere is another content. Nothing while there is no such file.
type Stamp = Option<(u64, i64, i64, u64)>;

/// Looks at the files for ever, on a thread of its own: no disk is waited for where decisions are made. Sends the options
/// again when any has changed, or why they cannot be made of the files as they are now.
pub(crate) fn watch<S: Settings>(
    args: &RoleArgs<S>,
    options: &S::Options,
) -> std::io::Result<Receiver<Renewed<S>>> {
    let (sender, receiver) = channel(1);
    let watching = Watching {
        config: args.config.clone(),
        given: args.settings.clone(),
        seen: BTreeMap::new(),
    };
    let files = watching.named(options);
    let thread = std::thread::Builder::new().name("settings".to_owned());
    thread
        .stack_size(STACK)
        .spawn(move || watching.run(files, &sender))?;
    Ok(receiver)
}

struct Watching<S> {
    config: Option<PathBuf>,
    given: S,
    seen: BTreeMap<PathBuf, Stamp>,
}

impl<S: Settings> Watching<S> {
    fn run(mut self, mut files: Vec<PathBuf>, sender: &Sender<Renewed<S>>) {
        self.seen = stamps(&files);
        loop {
            std::thread::sleep(PACE);
            // Before they are read: what changes while that is done is seen the next time.
            let now = stamps(&files);
            if now == self.seen {
                continue;
            }
            self.seen = now;
            let renewed = complete(self.config.as_deref(), &self.given);
            if let Ok(options) = &renewed {
                files = self.named(options);
                self.note(&files);
            }
            if sender.blocking_send(renewed).is_err() {
                return;
            }
        }
    }

    /// All files that count.
    fn named(&self, options: &S::Options) -> Vec<PathBuf> {
        let named = S::files(options).into_iter().map(Path::to_owned);
        self.config.iter().cloned().chain(named).collect()
    }

    /// Files that were not looked at so far are as they are now.
    fn note(&mut self, files: &[PathBuf]) {
        let mut now = stamps(files);
        for (path, stamp) in &mut now {
            if let Some(seen) = self.seen.get(path) {
                *stamp = *seen;
            }
        }
        self.seen = now;
    }
}

fn stamps(files: &[PathBuf]) -> BTreeMap<PathBuf, Stamp> {
    let stamped = files.iter().map(|path| (path.clone(), stamp(path)));
    stamped.collect()
}

fn stamp(path: &Path) -> Stamp {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.len()))
}
