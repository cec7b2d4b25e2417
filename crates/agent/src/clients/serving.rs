//! The agent's end of its socket.

#[cfg(test)]
mod tests;

use super::{Answer, Clients, Outlook, Question, SOCKET, Said, VERSION};
use crate::agent::Notice;
use crate::server::Socket;
use nix::unistd::{Uid, getuid};
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::task::spawn_local;

/// Those who may ask at once; one more is told so.
const ASKERS_MAX: usize = 4;

/// Bytes of a question.
const QUESTION_MAX: u64 = 1 << 10;

/// Time for a question to be here, and for everything.
const ASK_WITHIN: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Pause after a failed accept: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const TOO_MANY: &str = "too many ask at once; try again in a moment";

/// Listens in the agent's directory, for its own user only. What an earlier agent left there is replaced.
pub(crate) fn open(dir: &Path) -> io::Result<UnixListener> {
    let path = dir.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // By a path that fits.
    let listener = UnixListener::bind(Socket::in_directory(dir, SOCKET)?.path())?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers for the rest of the process.
pub(crate) async fn serve(listener: UnixListener, inbox: mpsc::Sender<Notice>) {
    let places = Arc::new(Semaphore::new(ASKERS_MAX));
    // redis-server makes one list at a time.
    let turn = Arc::new(Mutex::new(()));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if !stream.peer_cred().is_ok_and(|peer| is_trusted(peer.uid())) {
            continue;
        }
        let Ok(place) = places.clone().try_acquire_owned() else {
            // A new socket has room for that.
            let _ = stream.try_write(&line(Said::Refused(TOO_MANY.to_owned())));
            continue;
        };
        let (inbox, turn) = (inbox.clone(), turn.clone());
        spawn_local(async move {
            let _ = tokio::time::timeout(ANSWER_WITHIN, converse(stream, &inbox, &turn)).await;
            drop(place);
        });
    }
}

/// The mode of the socket says the same, from a moment after it is there.
fn is_trusted(user: u32) -> bool {
    user == getuid().as_raw() || Uid::from_raw(user).is_root()
}

async fn converse(
    mut stream: UnixStream,
    inbox: &mpsc::Sender<Notice>,
    turn: &Mutex<()>,
) -> io::Result<()> {
    let asked = tokio::time::timeout(ASK_WITHIN, question(&mut stream)).await;
    let said = match asked.unwrap_or_else(|_| Err("no question came in time".to_owned())) {
        Ok(question) => {
            let _one = turn.lock().await;
            answer(&question, inbox).await
        }
        Err(why) => Err(why),
    };
    let said = said.map_or_else(Said::Refused, Said::Clients);
    stream.write_all(&line(said)).await
}

async fn question(stream: &mut UnixStream) -> Result<Question, String> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(stream).take(QUESTION_MAX);
    let read = reader.read_until(b'\n', &mut line).await;
    read.map_err(|error| format!("read the question: {error}"))?;
    if !line.ends_with(b"\n") {
        return Err(format!(
            "a question is a line of at most {QUESTION_MAX} bytes"
        ));
    }
    serde_json::from_slice(&line).map_err(|error| format!("not a question: {error}"))
}

async fn answer(question: &Question, inbox: &mpsc::Sender<Notice>) -> Result<Clients, String> {
    let (asker, outlook) = oneshot::channel();
    let ended = |_| "the agent ends".to_owned();
    let sent = inbox.send(Notice::Asked(asker)).await;
    sent.map_err(|_| "the agent ends".to_owned())?;
    let outlook: Outlook = outlook.await.map_err(ended)?;
    outlook.answer(question).await
}

fn line(said: Said) -> Vec<u8> {
    let answer = Answer {
        version: VERSION,
        said,
    };
    let mut line = serde_json::to_vec(&answer).unwrap_or_default();
    line.push(b'\n');
    line
}
