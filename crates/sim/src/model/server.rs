//! One redis-server.

use super::Micros;
use super::backlog::{Backlog, Entry, Op};
use super::command::{ClientId, Command, Effect, LinkId, Refusal, Reply};
use super::copy::CopyFault;
use super::files::{Files, Image, Logged, Persistence};
use super::info::Info;
use super::primary::Attached;
use super::replica::Upstream;
use super::script::Script;
use crate::rng::Rng;
use holdfast_core::names::Address;
use holdfast_core::server_version::ServerVersion;
use holdfast_core::stamp::Stamp;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Name of a history: `master_replid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replid(pub u64);

impl fmt::Display for Replid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:040x}", self.0)
    }
}

/// Writes that wait for the end of a pause; more are refused by closing the client in the real
/// server's limits, here they are answered at once.
const HELD_LIMIT: usize = 10_000;

/// A `SELECT` goes before the first write of a history and after every snapshot.
const SELECT_BYTES: u64 = 23;

/// Configuration of a server. Times in microseconds.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address that it announces.
    pub address: Address,
    /// Which server it is, in runs where that counts.
    pub version: Option<ServerVersion>,
    /// How it keeps data.
    pub persistence: Persistence,
    /// A planted bug: it answers and acknowledges before it syncs, whatever it says.
    pub answers_first: bool,
    /// 7.2 and later: without a backlog, and with an append-only file, each write still counts as one byte.
    pub counts_without_backlog: bool,
    /// Bytes of stream kept for partial resyncs.
    pub backlog_bytes: u64,
    /// From the request of a full resync until the snapshot is ready.
    pub fork_us: Micros,
    /// Loading a data set.
    pub load_us: Micros,
    /// Rewriting the append-only file after a full resync; until then the old one counts.
    pub rewrite_us: Micros,
    /// A link silent for so long is closed.
    pub repl_timeout_us: Micros,
    /// The primary's own ping into the stream.
    pub ping_us: Micros,
}

impl Settings {
    /// Small and quick, as the simulator and the conformance test use it.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            version: None,
            persistence: Persistence::Nothing,
            answers_first: false,
            counts_without_backlog: false,
            backlog_bytes: 1 << 20,
            fork_us: 5_000,
            load_us: 5_000,
            rewrite_us: 50_000,
            repl_timeout_us: 5_000_000,
            ping_us: 1_000_000,
        }
    }
}

/// One run of a redis-server process.
#[derive(Debug)]
pub struct Server {
    pub(super) settings: Settings,
    pub(super) rng: Rng,
    pub(super) run_id: u64,
    pub(super) next_link: LinkId,
    pub(super) replid: Replid,
    pub(super) second: Option<(Replid, u64)>,
    pub(super) offset: u64,
    pub(super) backlog: Option<Backlog>,
    pub(super) data: Arc<Vec<u64>>,
    pub(super) stamp: Option<Stamp>,
    pub(super) files: Files,
    pub(super) upstream: Upstream,
    pub(super) following: Option<Address>,
    pub(super) cached: Option<(Replid, u64)>,
    pub(super) attached: BTreeMap<LinkId, Attached>,
    /// Whether the stream already carries the `SELECT` of the database in use.
    pub(super) selected: bool,
    pub(super) fenced: bool,
    pub(super) keeps_copies: bool,
    pub(super) paused_until: Option<Micros>,
    pub(super) held: Vec<(ClientId, u64)>,
    pub(super) boot: Option<(Micros, Image)>,
    pub(super) rewrite_at: Option<Micros>,
    pub(super) copies_fail: CopyFault,
    /// A copy that was begun has switched the append-only file off.
    pub(super) log_off: bool,
    /// So many were not loaded, since its link was last up.
    pub(super) copies_failed: u32,
    /// Its link to a primary was up.
    pub(super) was_online: bool,
    pub(super) script: Option<Script>,
    pub(super) sync_at: Micros,
    pub(super) second_at: Micros,
    pub(super) ping_at: Micros,
    pub(super) sync_full: u64,
    pub(super) sync_partial: u64,
    pub(super) effects: Vec<Effect>,
}

impl Server {
    /// Runs a command.
    pub fn command(&mut self, now: Micros, command: Command) -> Result<Reply, Refusal> {
        if let Some(answer) = self.busy(now, &command) {
            return answer;
        }
        if command == Command::Info {
            return Ok(Reply::Info(Box::new(self.info())));
        }
        if self.is_loading() {
            return Err(Refusal::Loading);
        }
        match command {
            Command::Write { client, value } => return self.write(client, value),
            Command::Read(value) => return Ok(Reply::Found(self.data.contains(&value))),
            Command::Publish => self.propagate(Op::Nothing),
            Command::Stamp(stamp) => return self.write_stamp(stamp),
            Command::GetAck if self.paused_until.is_none() => self.propagate(Op::GetAck),
            Command::ReplicaOf(Some(address)) => self.follow(now, address),
            Command::ReplicaOf(None) => self.promote(now),
            Command::Fence(fenced) => self.fenced = fenced,
            Command::KeepCopies(keeps) => self.keeps_copies = keeps,
            Command::Pause(for_us) => self.paused_until = self.paused_until.max(Some(now + for_us)),
            Command::Unpause => self.unpause(),
            Command::KillClients => self.kill_clients(),
            Command::TouchBacklog if self.following.is_none() => self.touched(),
            Command::Flush => return self.flush(),
            Command::Save => self.save(),
            Command::Script(wrote) => self.begin_script(now, wrote),
            Command::EndScript => return Err(Refusal::NotBusy),
            Command::Info | Command::GetAck | Command::TouchBacklog => {}
        }
        Ok(Reply::Done)
    }

    /// What `INFO` shows.
    pub fn info(&self) -> Info {
        Info {
            run_id: self.run_id,
            primary: self.following.is_none(),
            following: self.following.clone(),
            replid: self.replid,
            replid2: self.second.map(|(replid, _)| replid),
            second_offset: self.second.map_or(-1, |(_, offset)| offset as i64),
            offset: self.told_offset(),
            backlog: self.backlog.is_some(),
            link_up: matches!(self.upstream, Upstream::Online { .. }),
            sync_in_progress: matches!(self.upstream, Upstream::Transfer { .. }),
            loading: self.is_loading(),
            persisted: self.rewrite_at.is_none() && !self.upstream.is_copying() && !self.log_off,
            logged: self.is_logging(),
            on_disk: self.settings.persistence == Persistence::AppendAlways && self.is_logging(),
            stamp: self.stamp.filter(|_| !self.is_loading()),
            copies_failed: self.copies_failed,
            keys: self.data.len() as u64,
            sync_full: self.sync_full,
            sync_partial: self.sync_partial,
            replicas: self.attached.values().map(Attached::info).collect(),
        }
    }

    /// A replica that has no link, and has forgotten where it was, says 1, and 0 if it never was anywhere.
    fn told_offset(&self) -> u64 {
        let linked = matches!(self.upstream, Upstream::Online { .. });
        if self.following.is_none() || linked || self.cached.is_some() {
            self.offset
        } else {
            self.offset.min(1)
        }
    }

    /// Whether the append-only file holds all that is in memory.
    fn is_logging(&self) -> bool {
        let appends = self.settings.persistence.appends();
        appends && self.rewrite_at.is_none() && !self.log_off && !self.is_loading()
    }

    /// `run_id`.
    pub fn run_id(&self) -> u64 {
        self.run_id
    }

    /// `master_repl_offset`.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// `repl_backlog_active`.
    pub fn has_backlog(&self) -> bool {
        self.backlog.is_some()
    }

    /// What each replica that streams has acknowledged, by the address that it announced.
    pub fn acks(&self) -> impl Iterator<Item = (&Address, u64)> {
        self.attached.values().filter_map(Attached::ack)
    }

    /// The data set, for checkers.
    pub fn data(&self) -> &Arc<Vec<u64>> {
        &self.data
    }

    /// What survives this process.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Its files as its agent sees them.
    pub fn marks(&self) -> holdfast_core::dataset::Files {
        self.files.marks(self.settings.persistence)
    }

    /// Milliseconds after which a loss of power takes nothing of them any more, as an agent reckons.
    pub fn settles_in(&self) -> u64 {
        if self.settings.persistence.appends() {
            2_000
        } else {
            60_000
        }
    }

    /// Whether a client's write would be accepted now (at once, not held by a pause).
    pub fn accepts_writes(&self) -> bool {
        self.following.is_none()
            && !self.is_loading()
            && !self.fenced
            && self.script.is_none()
            && self.paused_until.is_none()
    }

    /// Starts with the write fence closed and without copies for anybody, as its configuration file says.
    pub fn begin_sealed(&mut self) {
        self.fenced = true;
        self.keeps_copies = true;
    }

    /// Whether writes are held by a pause.
    pub fn is_paused(&self) -> bool {
        self.paused_until.is_some()
    }

    /// Whether it says `role:master`.
    pub fn is_primary(&self) -> bool {
        self.following.is_none()
    }

    /// Whether it follows somebody and the link is up.
    pub fn is_online(&self) -> bool {
        matches!(self.upstream, Upstream::Online { .. })
    }

    /// Whether it ever did, in this run.
    pub fn was_online(&self) -> bool {
        self.was_online
    }

    /// Whether it refuses writes of clients, as `min-replicas-to-write` does.
    pub fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// Whether there is anything to be done to the world.
    pub fn has_effects(&self) -> bool {
        !self.effects.is_empty()
    }

    /// Hands over what is to be done to the world, into a list that is empty and may be used again.
    pub fn swap_effects(&mut self, into: &mut Vec<Effect>) {
        std::mem::swap(&mut self.effects, into);
    }

    /// Lets time pass: retries, acknowledgements, pings, loading, pauses, fsync.
    pub fn tick(&mut self, now: Micros) {
        if self.script.is_some() {
            return;
        }
        self.finish_boot(now);
        self.finish_load(now);
        if self.paused_until.is_some_and(|until| now >= until) {
            self.unpause();
        }
        self.finish_rewrite(now);
        self.send_snapshots(now);
        self.ping(now);
        if now >= self.second_at {
            self.second_at = now + 1_000_000;
            self.every_second(now);
        }
    }

    /// When [`Self::tick`] has something to do next.
    pub fn next_tick(&self) -> Micros {
        if self.script.is_some() {
            return Micros::MAX;
        }
        [
            self.boot.as_ref().map(|(at, _)| *at),
            self.upstream.loaded_at(),
            self.paused_until,
            self.rewrite_at,
            self.attached
                .values()
                .filter_map(Attached::snapshot_at)
                .min(),
            self.following.is_none().then_some(self.ping_at),
        ]
        .into_iter()
        .flatten()
        .fold(self.second_at, Micros::min)
    }

    /// Whether it reads a data set and refuses commands.
    pub fn is_loading(&self) -> bool {
        self.boot.is_some() || self.upstream.loaded_at().is_some()
    }

    /// Appends to the stream, as `replicationFeedSlaves` does: without a backlog nothing moves.
    pub(super) fn propagate(&mut self, op: Op) {
        if self.following.is_some() {
            return;
        }
        let Some(backlog) = &mut self.backlog else {
            let counts = self.settings.counts_without_backlog && self.files.log.is_some();
            self.offset += u64::from(counts);
            return;
        };
        let writes = matches!(op, Op::Write(_) | Op::Flush);
        let select = if writes && !self.selected {
            SELECT_BYTES
        } else {
            0
        };
        self.selected |= writes;
        self.offset += op.bytes() + select;
        let entry = Entry {
            end: self.offset,
            op,
        };
        backlog.push(entry);
        self.feed(entry);
    }

    fn every_second(&mut self, now: Micros) {
        if let Some(log) = &self.files.log {
            self.files.synced = log.len();
        }
        self.sync_at = now;
        self.acknowledge();
        self.check_upstream(now);
        self.check_attached(now);
        self.begin_copies(now);
    }

    fn write(&mut self, client: ClientId, value: u64) -> Result<Reply, Refusal> {
        if self.following.is_none() && self.fenced {
            return Err(Refusal::NoReplicas);
        }
        if self.following.is_some() {
            return Err(Refusal::ReadOnly);
        }
        if self.paused_until.is_some() && self.held.len() < HELD_LIMIT {
            self.held.push((client, value));
            return Ok(Reply::Held);
        }
        self.apply(Op::Write(value));
        self.propagate(Op::Write(value));
        Ok(Reply::Done)
    }

    /// Changes the data set, and the append-only file unless a rewrite will replace it.
    pub(super) fn apply(&mut self, op: Op) {
        let log = self
            .files
            .log
            .as_mut()
            .filter(|_| self.rewrite_at.is_none() && !self.log_off);
        let data = Arc::make_mut(&mut self.data);
        match op {
            Op::Write(value) => data.push(value),
            Op::Stamp(stamp) => self.stamp = Some(stamp),
            Op::Flush => {
                data.clear();
                self.stamp = None;
            }
            Op::Nothing | Op::GetAck => {}
        }
        let Some(log) = log else { return };
        let syncs =
            self.settings.persistence == Persistence::AppendAlways && !self.settings.answers_first;
        match op {
            Op::Write(value) => log.push(Logged::Value(value)),
            Op::Stamp(stamp) => log.push(Logged::Stamp(stamp)),
            Op::Flush => log.push(Logged::Flush),
            Op::Nothing | Op::GetAck => {}
        }
        if syncs {
            self.files.synced = log.len();
        }
    }

    fn unpause(&mut self) {
        self.paused_until = None;
        for (client, value) in std::mem::take(&mut self.held) {
            let outcome = self.write(client, value);
            self.effects.push(Effect::Late {
                client,
                value,
                outcome,
            });
        }
    }

    fn kill_clients(&mut self) {
        self.held.clear();
        self.effects.push(Effect::ClosedClients);
    }

    fn flush(&mut self) -> Result<Reply, Refusal> {
        if self.following.is_some() {
            return Err(Refusal::ReadOnly);
        }
        self.apply(Op::Flush);
        self.propagate(Op::Flush);
        Ok(Reply::Done)
    }

    pub(super) fn save(&mut self) {
        let position =
            (self.backlog.is_some() || self.cached.is_some()).then_some((self.replid, self.offset));
        self.files.dump = Some(Image {
            data: self.data.clone(),
            position,
            stamp: self.stamp,
            format: self.format(),
        });
    }
}
