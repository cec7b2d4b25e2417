//! From what the agent holds to the list of clients.

use super::join::{Files, Seats, join};
use super::line::Line;
use super::{Client, Clients, Question, VERSION, diag, files};
use crate::gate::Register;
use crate::server::Link;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::oneshot;

/// Time that redis-server has for its list, and the gate for its own.
const PATIENCE: Duration = Duration::from_secs(3);

/// Bytes of `CLIENT LIST` that are taken apart: some 40,000 clients.
const LIST_MAX: usize = 16 << 20;

/// What has to be known to tell who is connected.
#[derive(Debug)]
pub struct Outlook {
    /// The node's name.
    pub node: String,
    /// Whether redis-server's own port speaks TLS.
    pub tls: bool,
    /// The living redis-server: its process, and a link to it.
    pub server: Option<(u32, Link)>,
    /// The gate, where clients come through one.
    pub gate: Option<Register>,
}

impl Outlook {
    /// Answers the question. The work is done on a thread that ends with it.
    ///
    /// # Errors
    /// Why not, in a sentence: an unknown version, no redis-server, no answer of it.
    pub async fn answer(self, question: &Question) -> Result<Clients, String> {
        if question.version != VERSION {
            let asked = question.version;
            return Err(format!(
                "the question has version {asked}, this agent knows {VERSION}; use the agent's own holdfast"
            ));
        }
        let (pid, link) = self.server.ok_or("redis-server does not run")?;
        let (before, text) = list(pid, link, question.id).await?;
        // Asked last: everybody who is in the list is at the gate, or has left.
        let seats = match &self.gate {
            None => Vec::new(),
            Some(gate) => tokio::time::timeout(PATIENCE, gate.census())
                .await
                .map_err(|_| "the gate does not answer in time; try again")?
                .map_err(|_| "too many ask the gate at once; try again")?,
        };
        let (seats, gated, id) = (Seats::new(seats), self.gate.is_some(), question.id);
        let told = aside(move || tell(pid, gated, before, &text, &seats, self.tls)).await?;
        let (mut clients, trouble) = told;
        clients.retain(|client| id.is_none() || client.id == id);
        Ok(Clients {
            node: self.node,
            gate: gated,
            trouble,
            clients,
        })
    }
}

/// redis-server's list, and what its files were before.
async fn list(
    pid: u32,
    link: Link,
    id: Option<u64>,
) -> Result<(HashMap<u32, u64>, String), String> {
    let before = aside(move || files::sockets(pid).unwrap_or_default()).await?;
    let id = id.map(|id| id.to_string());
    let args: Vec<&str> = ["CLIENT", "LIST"]
        .into_iter()
        .chain(id.iter().flat_map(|id| ["ID", id]))
        .collect();
    let listed = link.with_patience(PATIENCE).command(&args).await;
    let listed = listed.map_err(|error| format!("CLIENT LIST: {error}"))?;
    let text = listed.as_bytes().unwrap_or_default();
    if text.len() > LIST_MAX {
        return Err(
            "more clients than can be told at once; ask for one of them by its id".to_owned(),
        );
    }
    Ok((before, String::from_utf8_lossy(text).into_owned()))
}

/// Everybody, and why addresses cannot be found out.
fn tell(
    pid: u32,
    gated: bool,
    before: HashMap<u32, u64>,
    text: &str,
    seats: &Seats,
    tls: bool,
) -> (Vec<Client>, Option<String>) {
    let lines = text.lines().filter_map(Line::read).collect();
    let look = || Ok((files::sockets(pid)?, diag::peers()?));
    let (seen, trouble) = match look() {
        _ if !gated => (Default::default(), None),
        Ok(seen) => (seen, None),
        Err(error) => (Default::default(), Some(cannot(&error))),
    };
    let (after, peers) = seen;
    let files = Files { before, after };
    (join(lines, &files, &peers, seats, tls), trouble)
}

fn cannot(error: &std::io::Error) -> String {
    format!(
        "addresses cannot be told: the kernel does not say which sockets are connected: {error}; it must have CONFIG_UNIX_DIAG, and allow netlink and /proc"
    )
}

/// Does what takes milliseconds beside the agent's loop, with the usual share of the cores.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (done, result) = oneshot::channel();
    let work = move || {
        let _ = rustix::process::setpriority_process(None, 0);
        let _ = done.send(work());
    };
    let thread = std::thread::Builder::new().name("clients".to_owned());
    thread
        .spawn(work)
        .map_err(|error| format!("start a thread: {error}"))?;
    result.await.map_err(|_| "the work failed".to_owned())
}
