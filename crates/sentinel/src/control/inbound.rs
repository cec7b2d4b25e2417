//! Taking connections of agents and sentinels in.

use super::{Connection, Notice};
use holdfast_core::names::{Group, Node, Sentinel};
use holdfast_core::wire::{PeerMessage, ToSentinel};
use holdfast_link::{Identity, Kind, Met, Outbox, Reader, Writer, accept};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Messages that may wait for a slow agent.
const WAITING_MAX: usize = 128;

/// Refusals that are remembered so that each is logged once.
const REFUSALS_MAX: usize = 256;

/// Takes connections in for ever.
pub(crate) async fn listen(listener: TcpListener, me: Identity, inbox: mpsc::Sender<Notice>) {
    let refused = Rc::new(RefCell::new(BTreeSet::new()));
    let mut next: Connection = 0;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                next += 1;
                let (me, inbox, refused) = (me.clone(), inbox.clone(), refused.clone());
                tokio::task::spawn_local(serve(next, stream, me, inbox, refused));
            }
            Err(error) => {
                tracing::warn!("accept a control connection: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(
    id: Connection,
    stream: TcpStream,
    me: Identity,
    inbox: mpsc::Sender<Notice>,
    refused: Rc<RefCell<BTreeSet<String>>>,
) {
    let met = Box::pin(accept(stream, &me)).await;
    match met {
        Ok((met, reader, writer)) if met.kind == Kind::Agent => {
            agent(id, met, reader, writer, inbox).await;
        }
        Ok((met, reader, _writer)) => peer(met, reader, inbox).await,
        Err(holdfast_link::Error::Refused(why)) => log_once(&refused, why),
        Err(error) => tracing::debug!("greet a control connection: {error}"),
    }
}

fn log_once(refused: &RefCell<BTreeSet<String>>, why: String) {
    let mut refused = refused.borrow_mut();
    if !refused.contains(&why) && refused.len() < REFUSALS_MAX {
        tracing::warn!("refused a control connection: {why}");
        refused.insert(why);
    }
}

async fn agent(
    id: Connection,
    met: Met,
    mut reader: Reader,
    writer: Writer,
    inbox: mpsc::Sender<Notice>,
) {
    let (group, node) = (Group::from(met.group), Node::from(met.name));
    let (outbox, sending) = Outbox::open(writer, WAITING_MAX);
    if inbox
        .send(Notice::AgentLinked(id, group.clone(), node.clone(), outbox))
        .await
        .is_err()
    {
        return;
    }
    let reset = tokio::select! {
        reset = receive(id, &mut reader, (&group, &node), &inbox) => reset,
        // This end gave up: the connection broke while sending, or the agent was too slow to read.
        () = sending => false,
    };
    let _ = inbox.send(Notice::AgentGone(id, group, node, reset)).await;
}

/// Passes on what an agent says. Returns whether the other end closed or reset the connection.
async fn receive(
    id: Connection,
    reader: &mut Reader,
    (group, node): (&Group, &Node),
    inbox: &mpsc::Sender<Notice>,
) -> bool {
    loop {
        let notice = match reader.next::<ToSentinel>().await {
            Ok(Some(ToSentinel::Report(report))) => {
                Notice::Report(id, group.clone(), node.clone(), report.into())
            }
            Ok(Some(ToSentinel::Decision(text))) => {
                Notice::AgentDecision(group.clone(), node.clone(), text)
            }
            Ok(Some(ToSentinel::Unknown)) => continue,
            Ok(None) => return true,
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        };
        if inbox.send(notice).await.is_err() {
            return false;
        }
    }
}

async fn peer(met: Met, mut reader: Reader, inbox: mpsc::Sender<Notice>) {
    let from = Sentinel::from(met.name);
    loop {
        match reader.next::<PeerMessage>().await {
            Ok(Some(message)) => {
                if inbox
                    .send(Notice::Peer(from.clone(), message))
                    .await
                    .is_err()
                {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return tracing::debug!(peer = %from, "hear a sentinel: {error}"),
        }
    }
}
