//! The primary's side of replication.

use super::Micros;
use super::backlog::{Backlog, Entry, Op};
use super::command::{Effect, LinkId, Message, Refusal, Reply};
use super::files::Image;
use super::info::ReplicaInfo;
use super::replica::Upstream;
use super::server::{Replid, Server};
use holdfast_core::names::Address;
use holdfast_core::stamp::Stamp;

/// One replica's connection, seen from the primary.
#[derive(Debug)]
pub(super) struct Attached {
    address: Address,
    acked: u64,
    heard: Micros,
    /// It wants a copy, and none has begun.
    asks: bool,
    waiting: Option<Snapshotting>,
}

/// A snapshot under way, and the stream that waits behind it.
#[derive(Debug)]
struct Snapshotting {
    ready_at: Micros,
    image: Image,
    behind: Vec<Entry>,
}

impl Attached {
    pub(super) fn info(&self) -> ReplicaInfo {
        ReplicaInfo {
            address: self.address.clone(),
            online: self.is_online(),
            acked: self.acked,
        }
    }

    pub(super) fn ack(&self) -> Option<(&Address, u64)> {
        self.is_online().then_some((&self.address, self.acked))
    }

    fn is_online(&self) -> bool {
        self.waiting.is_none() && !self.asks
    }

    pub(super) fn snapshot_at(&self) -> Option<Micros> {
        self.waiting.as_ref().map(|waiting| waiting.ready_at)
    }
}

impl Server {
    /// A message from an attached (or new) replica.
    pub(super) fn hear_replica(&mut self, now: Micros, link: LinkId, message: Message) {
        match message {
            Message::Psync { have, from } => self.serve(now, link, have, from),
            Message::Ack(offset) => {
                if let Some(attached) = self.attached.get_mut(&link) {
                    attached.acked = offset;
                    attached.heard = now;
                }
            }
            _ => {}
        }
    }

    fn serve(&mut self, now: Micros, link: LinkId, have: Option<(Replid, u64)>, from: Address) {
        let orphan = self.following.is_some() && !matches!(self.upstream, Upstream::Online { .. });
        if orphan || self.is_loading() {
            self.send(link, Message::Refused);
            return;
        }
        let attached = Attached {
            address: from,
            acked: 0,
            heard: now,
            asks: false,
            waiting: None,
        };
        let partial = have
            .filter(|have| self.shares(*have))
            .and_then(|have| self.backlog.as_ref()?.since(have.1));
        self.attached.insert(link, attached);
        match partial {
            Some(entries) => self.serve_partial(link, entries),
            None => self.serve_whole(now, link),
        }
    }

    fn shares(&self, (replid, offset): (Replid, u64)) -> bool {
        replid == self.replid
            || self
                .second
                .is_some_and(|(second, until)| replid == second && offset < until)
    }

    fn serve_partial(&mut self, link: LinkId, entries: Vec<Entry>) {
        self.sync_partial += 1;
        self.send(link, Message::Continue(self.replid));
        if !entries.is_empty() {
            self.send(link, Message::Stream(entries));
        }
    }

    fn serve_whole(&mut self, now: Micros, link: LinkId) {
        self.touched();
        if let Some(attached) = self.attached.get_mut(&link).filter(|_| self.keeps_copies) {
            attached.asks = true;
            return;
        }
        self.begin_copy(now, link);
    }

    /// Those whose copies were kept back, once they are given.
    pub(super) fn begin_copies(&mut self, now: Micros) {
        let asking = |(link, attached): (&LinkId, &Attached)| attached.asks.then_some(*link);
        if self.keeps_copies || self.is_loading() {
            return;
        }
        for link in self.attached.iter().filter_map(asking).collect::<Vec<_>>() {
            self.begin_copy(now, link);
        }
    }

    fn begin_copy(&mut self, now: Micros, link: LinkId) {
        self.selected = false;
        let image = Image {
            data: self.data.clone(),
            position: Some((self.replid, self.offset)),
            stamp: self.stamp,
            format: self.format(),
        };
        let ready_at = now + self.settings.fork_us;
        if let Some(attached) = self.attached.get_mut(&link) {
            attached.asks = false;
            attached.waiting = Some(Snapshotting {
                ready_at,
                image,
                behind: Vec::new(),
            });
        }
        self.send(link, Message::FullResync(self.replid, self.offset));
    }

    pub(super) fn touched(&mut self) {
        self.sync_full += 1;
        self.selected = false;
        self.touch_backlog();
    }

    /// The first replica of a server without a backlog gives it one, *and another history name*:
    /// `syncCommand` calls `changeReplicationId` and forgets the second id.
    pub(super) fn touch_backlog(&mut self) {
        if self.backlog.is_some() || self.following.is_some() {
            return;
        }
        self.replid = Replid(self.rng.bits());
        self.second = None;
        self.backlog = Some(Backlog::new(self.offset, self.settings.backlog_bytes));
    }

    pub(super) fn send_snapshots(&mut self, now: Micros) {
        let ready: Vec<LinkId> = self
            .attached
            .iter()
            .filter(|(_, attached)| attached.snapshot_at().is_some_and(|at| now >= at))
            .map(|(link, _)| *link)
            .collect();
        for link in ready {
            let Some(waiting) = self
                .attached
                .get_mut(&link)
                .and_then(|attached| attached.waiting.take())
            else {
                continue;
            };
            self.send(link, Message::Snapshot(waiting.image));
            if !waiting.behind.is_empty() {
                self.send(link, Message::Stream(waiting.behind));
            }
        }
    }

    pub(super) fn feed(&mut self, entry: Entry) {
        for (link, attached) in &mut self.attached {
            match &mut attached.waiting {
                Some(waiting) => waiting.behind.push(entry),
                None if attached.asks => {}
                None => send_next(&mut self.effects, *link, entry),
            }
        }
    }

    pub(super) fn ping(&mut self, now: Micros) {
        if now < self.ping_at || self.following.is_some() {
            return;
        }
        self.ping_at = now + self.settings.ping_us;
        if !self.attached.is_empty() && self.paused_until.is_none() {
            self.propagate(Op::Nothing);
        }
    }

    pub(super) fn check_attached(&mut self, now: Micros) {
        let limit = self.settings.repl_timeout_us;
        let silent: Vec<LinkId> = self
            .attached
            .iter()
            .filter(|(_, attached)| attached.is_online() && now > attached.heard + limit)
            .map(|(link, _)| *link)
            .collect();
        for link in silent {
            self.drop_attached(link);
        }
    }

    pub(super) fn drop_all_attached(&mut self) {
        for link in self.attached.keys().copied().collect::<Vec<_>>() {
            self.drop_attached(link);
        }
    }

    fn drop_attached(&mut self, link: LinkId) {
        self.attached.remove(&link);
        self.effects.push(Effect::Close { link });
    }

    /// `REPLICAOF NO ONE`: a new history that begins here; the old one stays valid up to here.
    pub(super) fn promote(&mut self, now: Micros) {
        if self.following.take().is_none() {
            return;
        }
        self.drop_upstream();
        self.copies_failed = 0;
        self.cached = None;
        self.second = Some((self.replid, self.offset + 1));
        self.replid = Replid(self.rng.bits());
        self.selected = false;
        self.drop_all_attached();
        self.log_again(now);
    }

    /// A barrier writes its stamp, which never falls within a reign.
    pub(super) fn write_stamp(&mut self, stamp: Stamp) -> Result<Reply, Refusal> {
        if self.following.is_some() {
            return Err(Refusal::ReadOnly);
        }
        if self.fenced {
            return Err(Refusal::NoReplicas);
        }
        let old = self.stamp.filter(|old| old.epoch == stamp.epoch);
        let op = Op::Stamp(stamp.max(old.unwrap_or_default()));
        self.apply(op);
        self.propagate(op);
        Ok(Reply::Done)
    }

    pub(super) fn send(&mut self, link: LinkId, message: Message) {
        self.effects.push(Effect::Send { link, message });
    }
}

/// What a server writes to a replica in one turn travels together.
fn send_next(effects: &mut Vec<Effect>, link: LinkId, entry: Entry) {
    let sent = effects.iter_mut().rev().find_map(|effect| match effect {
        Effect::Send { link: to, message } if *to == link => Some(message),
        _ => None,
    });
    match sent {
        Some(Message::Stream(entries)) => entries.push(entry),
        Some(message @ Message::Next(_)) => {
            if let Message::Next(first) = *message {
                *message = Message::Stream(vec![first, entry]);
            }
        }
        _ => effects.push(Effect::Send {
            link,
            message: Message::Next(entry),
        }),
    }
}
