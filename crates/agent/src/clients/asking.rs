//! Asking an agent by its socket.

use super::{Answer, Clients, Question, SOCKET, Said, VERSION};
use crate::server::Socket;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Time without a byte; a little more than an agent takes at most.
const PATIENCE: Duration = Duration::from_secs(11);

/// Most bytes of an answer.
pub const ANSWER_MAX: u64 = 64 << 20;

/// What every version of an answer says.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Asks the agent whose directory this is.
///
/// # Errors
/// When no agent listens there, it does not answer, or it refuses the question.
pub fn ask(dir: &Path, question: &Question) -> anyhow::Result<Clients> {
    let path = dir.join(SOCKET);
    let connected = Socket::in_directory(dir, SOCKET).and_then(|it| UnixStream::connect(it.path()));
    let mut stream =
        connected.with_context(|| format!("no agent answers at {}", path.display()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut bytes = serde_json::to_vec(question)?;
    bytes.push(b'\n');
    // An agent that refuses whoever comes may have closed its end already.
    let sent = stream.write_all(&bytes);
    bytes.clear();
    let heard = stream.take(ANSWER_MAX).read_to_end(&mut bytes);
    if bytes.is_empty() {
        sent.and(heard).context("the agent does not answer")?;
        bail!("the agent closed the connection without an answer");
    }
    let unreadable = "the agent's answer cannot be read";
    let Versioned { version } = serde_json::from_slice(&bytes).context(unreadable)?;
    ensure!(
        version == VERSION,
        "the agent answers in version {version}, this holdfast knows {VERSION}; use the agent's own holdfast"
    );
    let answer: Answer = serde_json::from_slice(&bytes).context(unreadable)?;
    match answer.said {
        Said::Clients(clients) => Ok(clients),
        Said::Refused(why) => bail!("the agent refuses: {why}"),
    }
}
