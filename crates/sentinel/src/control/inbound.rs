//! Taking connections of agents and sentinels in.

use super::strangers::{Refusals, Strangers};
use super::{Connection, Notice};
use crate::bell;
use holdfast_core::names::{Group, Node, Sentinel};
use holdfast_core::wire::{PeerMessage, ToSentinel};
use holdfast_link::{Error, Identity, Kind, Met, Outbox, Reader, Writer, accept};
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Messages that may wait for a slow agent.
const WAITING_MAX: usize = 128;

/// Who is at the door.
#[derive(Debug, Default)]
struct Door {
    strangers: RefCell<Strangers>,
    refusals: RefCell<Refusals>,
}

/// Takes connections in for ever.
pub(crate) async fn listen(listener: TcpListener, me: Identity, inbox: mpsc::Sender<Notice>) {
    let door = Rc::new(Door::default());
    let mut next: Connection = 0;
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                next += 1;
                let from = from.ip().to_canonical();
                let stay = door.strangers.borrow_mut().enter(next, from);
                let (door, me, inbox) = (door.clone(), me.clone(), inbox.clone());
                tokio::task::spawn_local(async move {
                    let greeting = Box::pin(accept(stream, &me));
                    let met = tokio::select! {
                        met = greeting => met,
                        _ = stay => return,
                    };
                    door.strangers.borrow_mut().leave(next);
                    serve(next, from, met, &door, inbox).await;
                });
                // Those who came before are greeted before more are taken in.
                tokio::task::yield_now().await;
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
    from: IpAddr,
    met: Result<(Met, Reader, Writer), Error>,
    door: &Door,
    inbox: mpsc::Sender<Notice>,
) {
    match met {
        Ok((met, reader, writer)) if met.kind == Kind::Agent => {
            agent(id, met, reader, writer, inbox).await;
        }
        Ok((met, reader, _writer)) => peer(met, reader, inbox).await,
        Err(Error::Refused(why)) => door.tell_refusal(from, &why),
        Err(error) => tracing::debug!("greet a control connection: {error}"),
    }
}

impl Door {
    fn tell_refusal(&self, from: IpAddr, why: &str) {
        match self.refusals.borrow_mut().note(bell::now(), from) {
            None => {}
            Some(0) => tracing::warn!("refused a control connection from {from}: {why}"),
            Some(more) => tracing::warn!(
                "refused a control connection from {from}: {why}; and {more} more from there since that was last told"
            ),
        }
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
            Ok(Some(ToSentinel::Decision(said))) => {
                Notice::AgentDecision(group.clone(), node.clone(), said)
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
