//! What a client can do that means no good, or knows no better. Nothing here needs more than a connection.

use crate::client::Connection;
use crate::client::connection::ask;
use crate::fault::{Remedy, Scene};
use crate::target::{Against, NodeProcess, files, process};
use anyhow::{Context, Result};
use bytes::BytesMut;
use holdfast_resp::encode_command;
use nix::sys::signal::Signal;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The client of a script waits so long for an answer, and leaves.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long all clients are paused.
const PAUSE: Duration = Duration::from_secs(3);
/// How long acknowledgements are forged while no replica runs.
const FORGING: Duration = Duration::from_secs(3);
/// What the buffers of the kernel, of the gate and of the replicas' connections do not hold.
const FILLER_MIB: usize = 48;
/// More than any server has produced.
const BEYOND: &str = "1000000000000000";
/// Scripts without end. The second cannot be killed by `SCRIPT KILL`, because it has written.
pub(crate) const ENDLESS: [&str; 2] = [
    "while true do end",
    "redis.call('set', 'crucible:script', '1') while true do end",
];

/// Runs a script without end on the primary.
pub async fn endless_script(scene: &mut Scene<'_>) -> Result<()> {
    let primary = scene.primary().clone();
    let script = ENDLESS[scene.dice.below(ENDLESS.len())];
    scene.strike();
    // No answer is the point of it.
    let _ = ask(&primary.address, &["EVAL", script, "0"], PATIENCE).await;
    // Stock Sentinel leaves the old master to its script.
    if scene.system.against() == Against::Upstream {
        let pid = primary.server_pid.context("find the primary's process")?;
        scene.remedies.push(Remedy::Kill(pid));
    }
    Ok(())
}

/// Pauses all clients of the primary. One that may not has done no harm.
pub async fn pause(scene: &mut Scene<'_>) -> Result<()> {
    scene.strike();
    pause_clients(&scene.primary().address, PAUSE).await;
    Ok(())
}

/// Asks the node at `address` to pause all clients.
pub(crate) async fn pause_clients(address: &str, length: Duration) {
    let length = length.as_millis().to_string();
    let reply = ask(address, &["CLIENT", "PAUSE", &length, "ALL"], PATIENCE).await;
    tracing::debug!("CLIENT PAUSE at {address}: {reply:?}");
}

/// Stops all replicas, acknowledges in the name of one of them, and then takes the primary with its disk away.
pub async fn forge_acks(scene: &mut Scene<'_>) -> Result<()> {
    let primary = scene.primary().clone();
    let replicas: Vec<NodeProcess> = scene.group.nodes.clone();
    let replicas: Vec<NodeProcess> = replicas
        .into_iter()
        .filter(|node| node.name != primary.name)
        .collect();
    let pids: Vec<i32> = replicas
        .iter()
        .flat_map(|node| [node.agent_pid, node.server_pid])
        .flatten()
        .collect();
    for pid in &pids {
        scene.freeze(Some(*pid))?;
    }
    let member = replicas.first().context("find a replica")?;
    tokio::join!(
        forge_for(&primary.address, &member.address, FORGING),
        fill_the_way(&primary.address),
    );
    scene.kill(primary.agent_pid)?;
    scene.kill(primary.server_pid)?;
    files::delete_data(&primary.data_dir);
    process::send_all(&pids, Signal::SIGCONT);
    Ok(())
}

/// Writes more than fits between a primary and a replica that stands still: what follows it is nowhere but on the primary.
async fn fill_the_way(address: &str) {
    let value = "x".repeat(1 << 20);
    let command: &[&str] = &["SET", "crucible:filler", &value];
    if let Ok(mut connection) = Connection::open(address, PATIENCE).await {
        let _ = connection.pipeline(&[command; FILLER_MIB], PATIENCE).await;
    }
}

/// Acknowledges at the gate `address` in the name of the node at `member`, for `length`. What the gate makes of it is its
/// business: it may close the connection at once.
pub(crate) async fn forge_for(address: &str, member: &str, length: Duration) {
    let forged = tokio::time::timeout(length, forge(address, member)).await;
    tracing::debug!("forged acknowledgements at {address}: {forged:?}");
    if let Ok(Err(_)) = forged {
        tokio::time::sleep(length).await;
    }
}

/// All in one write, so that the answer to the first request is there when the last has been read.
async fn forge(address: &str, member: &str) -> std::io::Result<()> {
    let (host, port) = member.rsplit_once(':').unwrap_or((member, "6379"));
    let said: [&[&str]; 4] = [
        &["PING"],
        &["REPLCONF", "listening-port", port],
        &["REPLCONF", "ip-address", host],
        &["PSYNC", "?", "-1"],
    ];
    let mut handshake = BytesMut::new();
    for command in said {
        encode_command(command, &mut handshake);
    }
    let mut acknowledgement = BytesMut::new();
    encode_command(&["REPLCONF", "ACK", BEYOND], &mut acknowledgement);
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&handshake).await?;
    let mut answers = [0; 4096];
    // Whoever talks before it is answered is taken for no replica.
    if stream.read(&mut answers).await? == 0 {
        return Err(std::io::ErrorKind::ConnectionAborted.into());
    }
    loop {
        stream.write_all(&acknowledgement).await?;
        let read = stream.read(&mut answers);
        if let Ok(read) = tokio::time::timeout(Duration::from_millis(50), read).await
            && read? == 0
        {
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        }
    }
}

/// Clients that want more places than there are, and try again whenever they are sent away; gone when dropped.
#[derive(Debug)]
pub(crate) struct Crowd(Vec<tokio::task::JoinHandle<()>>);

impl Crowd {
    /// So many of them at the door of `address`.
    pub(crate) fn gather(address: &str, count: usize) -> Self {
        let one = |_| tokio::spawn(insist(address.to_owned()));
        Self((0..count).map(one).collect())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn insist(address: String) {
    loop {
        if let Ok(mut connection) = Connection::open(&address, PATIENCE).await {
            while let Ok(reply) = connection.call(&["PING"], PATIENCE).await {
                if reply.error().is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
