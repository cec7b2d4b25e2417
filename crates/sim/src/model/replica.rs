//! The replica's side of replication.

use super::Micros;
use super::backlog::{Backlog, Entry, Op};
use super::command::{Effect, LinkId, Message};
use super::copy::CopyFault;
use super::files::Image;
use super::script::Arrival;
use super::server::{Replid, Server};
use holdfast_core::names::Address;

/// Where a replica is with its primary.
#[derive(Debug)]
pub(super) enum Upstream {
    /// No connection; a primary, or a replica between two attempts.
    Down,
    /// Connecting, or asked and not answered.
    Asking { link: LinkId, since: Micros },
    /// The snapshot is on its way; the old data is still served.
    Transfer { link: LinkId, since: Micros },
    /// The snapshot is being loaded; the old data is gone.
    Loading {
        link: LinkId,
        until: Micros,
        image: Image,
        behind: Vec<Entry>,
    },
    /// Following.
    Online { link: LinkId, heard: Micros },
}

impl Upstream {
    fn link(&self) -> Option<LinkId> {
        match self {
            Self::Down => None,
            Self::Asking { link, .. }
            | Self::Transfer { link, .. }
            | Self::Loading { link, .. }
            | Self::Online { link, .. } => Some(*link),
        }
    }

    pub(super) fn is_copying(&self) -> bool {
        matches!(self, Self::Transfer { .. } | Self::Loading { .. })
    }

    pub(super) fn loaded_at(&self) -> Option<Micros> {
        if let Self::Loading { until, .. } = self {
            Some(*until)
        } else {
            None
        }
    }
}

impl Server {
    /// A replication connection came up; the caller learns it for links that this server opened.
    pub fn link_opened(&mut self, now: Micros, link: LinkId) {
        self.arrive(now, link, Arrival::Opened);
    }

    /// A replication connection ended, or could not be made.
    pub fn link_closed(&mut self, now: Micros, link: LinkId) {
        self.arrive(now, link, Arrival::Closed);
    }

    /// A message on a replication link.
    pub fn received(&mut self, now: Micros, link: LinkId, message: Message) {
        self.arrive(now, link, Arrival::Message(message));
    }

    pub(super) fn arrive(&mut self, now: Micros, link: LinkId, arrival: Arrival) {
        match self.put_off(link, arrival) {
            Some(Arrival::Opened) => self.ask(link),
            Some(Arrival::Closed) => self.lose_link(now, link),
            Some(Arrival::Message(message)) => self.hear(now, link, message),
            None => {}
        }
    }

    fn ask(&mut self, link: LinkId) {
        if self.upstream.link() == Some(link) {
            let message = Message::Psync {
                have: self.cached,
                from: self.settings.address.clone(),
            };
            self.send(link, message);
        }
    }

    fn lose_link(&mut self, now: Micros, link: LinkId) {
        self.attached.remove(&link);
        if self.upstream.link() != Some(link) || self.is_loading() {
            return; // a load goes on without its link and notices afterwards
        }
        let was_online = matches!(self.upstream, Upstream::Online { .. });
        self.forget_upstream();
        if was_online {
            self.connect(now); // at once after a loss; after a failed attempt only at the next second
        }
    }

    fn hear(&mut self, now: Micros, link: LinkId, message: Message) {
        if self.upstream.link() != Some(link) {
            self.hear_replica(now, link, message);
            return;
        }
        match message {
            Message::FullResync(..) => self.upstream = Upstream::Transfer { link, since: now },
            Message::Snapshot(image) if self.copies_fail != CopyFault::None => {
                self.fail_copy(&image);
            }
            Message::Snapshot(image) if !self.reads(&image) => self.choke_on(image),
            Message::Snapshot(image) => self.begin_load(now, link, image),
            Message::Continue(replid) => self.go_on(now, link, replid),
            Message::Refused => {
                self.effects.push(Effect::Close { link });
                self.forget_upstream();
            }
            Message::Stream(entries) => self.take_stream(now, link, entries),
            Message::Next(entry) => self.take_stream(now, link, [entry]),
            Message::Psync { .. } | Message::Ack(_) => {}
        }
    }

    /// `REPLICAOF host port`: keeps data and position, and asks the new primary to go on from there.
    pub(super) fn follow(&mut self, now: Micros, address: Address) {
        if self.following.as_ref() == Some(&address) {
            return; // "Already connected to specified master"
        }
        let was_primary = self.following.replace(address).is_none();
        self.drop_upstream();
        if was_primary {
            self.cached = Some((self.replid, self.offset));
        }
        self.connect(now);
    }

    fn connect(&mut self, now: Micros) {
        let Some(to) = self.following.clone() else {
            return;
        };
        self.next_link += 1;
        let link = self.next_link;
        self.upstream = Upstream::Asking { link, since: now };
        self.effects.push(Effect::Connect { link, to });
    }

    pub(super) fn drop_upstream(&mut self) {
        if let Some(link) = self.upstream.link() {
            self.effects.push(Effect::Close { link });
        }
        self.forget_upstream();
    }

    fn forget_upstream(&mut self) {
        if matches!(self.upstream, Upstream::Online { .. }) {
            self.cached = Some((self.replid, self.offset));
        }
        self.upstream = Upstream::Down;
    }

    fn go_on(&mut self, now: Micros, link: LinkId, replid: Replid) {
        if replid != self.replid {
            self.second = Some((self.replid, self.offset + 1));
            self.replid = replid;
            self.drop_all_attached();
        }
        if self.backlog.is_none() {
            self.backlog = Some(Backlog::new(self.offset, self.settings.backlog_bytes));
        }
        self.cached = None;
        self.upstream = Upstream::Online { link, heard: now };
        self.was_online = true;
        self.acknowledge();
    }

    fn begin_load(&mut self, now: Micros, link: LinkId, image: Image) {
        self.empty_memory();
        self.log_off = self.settings.persistence.appends();
        self.files.dump = Some(image.clone()); // renamed into place before the load
        let until = now + self.settings.load_us;
        self.upstream = Upstream::Loading {
            link,
            until,
            image,
            behind: Vec::new(),
        };
    }

    pub(super) fn finish_load(&mut self, now: Micros) {
        if self.upstream.loaded_at().is_none_or(|at| now < at) {
            return;
        }
        let Upstream::Loading {
            link,
            image,
            behind,
            ..
        } = std::mem::replace(&mut self.upstream, Upstream::Down)
        else {
            return;
        };
        let (replid, offset) = image.position.unwrap_or((self.replid, 0));
        (self.replid, self.offset, self.second) = (replid, offset, None);
        self.data = image.data;
        self.stamp = image.stamp;
        self.backlog = Some(Backlog::new(offset, self.settings.backlog_bytes));
        if self.settings.persistence.appends() {
            self.files.unfinished = true;
            self.rewrite_at = Some(now + self.settings.rewrite_us);
        }
        self.copies_failed = 0;
        self.upstream = Upstream::Online { link, heard: now };
        self.was_online = true;
        self.take_stream(now, link, behind);
        self.acknowledge();
    }

    fn take_stream(&mut self, now: Micros, link: LinkId, entries: impl IntoIterator<Item = Entry>) {
        match &mut self.upstream {
            Upstream::Loading { behind, .. } => behind.extend(entries),
            Upstream::Online { heard, .. } => {
                *heard = now;
                self.apply_stream(link, entries);
            }
            _ => {}
        }
    }

    fn apply_stream(&mut self, link: LinkId, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            self.apply(entry.op);
            self.offset = entry.end;
            if let Some(backlog) = &mut self.backlog {
                backlog.push(entry);
            }
            self.feed(entry);
            if entry.op == Op::GetAck {
                self.send(link, Message::Ack(self.offset));
            }
        }
    }

    pub(super) fn acknowledge(&mut self) {
        if let Upstream::Online { link, .. } = self.upstream {
            self.send(link, Message::Ack(self.offset));
        }
    }

    pub(super) fn check_upstream(&mut self, now: Micros) {
        let limit = self.settings.repl_timeout_us;
        let silent = match &self.upstream {
            Upstream::Asking { since, .. } | Upstream::Transfer { since, .. } => {
                now > since + limit
            }
            Upstream::Online { heard, .. } => now > heard + limit,
            Upstream::Down | Upstream::Loading { .. } => false,
        };
        if silent {
            self.drop_upstream();
        }
        if self.following.is_some() && matches!(self.upstream, Upstream::Down) {
            self.connect(now);
        }
    }
}
