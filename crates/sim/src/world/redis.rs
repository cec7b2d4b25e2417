//! redis-server processes: birth, commands, effects, death.

use super::World;
use super::channel::{Payload, Purpose};
use super::event::Event;
use super::host::Redis;
use super::network::Place;
use super::operation::nowhere;
use crate::invariants::i14_nothing_overwritten;
use crate::model::{
    Command, Effect, Message, Micros, Persistence, Refusal, Reply, Server, Settings,
};
use holdfast_core::agent::{AgentInput, DataAtStart};
use holdfast_core::dataset::Noted;
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Address, Incarnation};
use holdfast_core::wire::Condition;
use std::collections::{BTreeMap, BTreeSet};

/// An agent hears so soon of an end in order, which is sooner than of any death.
const RESTED_SEEN_US: Micros = 400;

impl World {
    /// Forks redis-server: born as a replica of nobody, its fence closed, with copies for nobody.
    pub(super) fn start_redis(&mut self, node: usize) {
        let now = self.now;
        if let Some(why) = self.refusal(node) {
            self.counters.hit("start refused");
            let host = &mut self.nodes[node];
            host.refused = true;
            let (run, input) = (host.run, Box::new(AgentInput::Refused(why)));
            let refused = Event::AgentInput { node, run, input };
            return self.queue.push(now + 1_000, refused);
        }
        if !self.is_untouched(node) {
            self.violations
                .extend(i14_nothing_overwritten::check_start(self, node));
        }
        let foreign = self.is_untouched(node);
        let host = &mut self.nodes[node];
        let settings = Settings {
            address: host.address.clone(),
            version: host.program.clone(),
            ..self.settings.clone()
        };
        let files = std::mem::take(&mut host.files);
        let stored = host.disk.read().unwrap_or_default();
        let keyless = files.is_blank();
        // A member whose data set is there and holds no key has lost nothing.
        let blank = keyless && (files.is_bare() || !stored.member);
        let tail = |note: Option<&Noted>| note.and_then(|note| files.noted_tail(note));
        let found = DataAtStart {
            blank,
            keyless,
            foreign,
            unfinished: files.unfinished || files.log.is_none(),
            files: files.marks(self.settings.persistence),
            noted_tail: tail(stored.noted.as_ref()),
            latest_tail: tail(stored.latest.as_deref()),
        };
        let rng = host.rng.fork(now);
        let mut server = Server::start(now, settings, files, Some(nowhere()), rng);
        server.begin_sealed();
        server.fail_copies(host.copies_fail);
        self.redis_runs += 1;
        host.redis = Some(Redis {
            incarnation: Incarnation::from(format!("{:040x}", server.run_id())),
            server,
            run: self.redis_runs,
            up: false,
            found,
            frozen_until: 0,
            thawed_at: None,
            tick_at: Micros::MAX,
            links: BTreeMap::new(),
            clients: BTreeSet::new(),
            waits: Vec::new(),
            opened_for: 0,
            was_in_step: false,
            tampered: false,
            silent_until: 0,
        });
        host.look_since = None;
        host.hung = false;
        host.condition = Condition::Well;
        host.socket_free = [now, now];
        let at = now + host.rng.between(2_000, 20_000);
        let run = host.run;
        self.queue.push(at, Event::RedisUp { node, run });
        self.with_redis(node, |_| ());
    }

    /// Whether redis-server is started on files of which nothing is known: it reads them and writes nothing.
    fn is_untouched(&self, node: usize) -> bool {
        let host = &self.nodes[node];
        let member = host.disk.read().is_some_and(|stored| stored.member);
        !member && !host.adopts && !host.files.is_blank()
    }

    /// Why the agent does not start redis-server on the files that are there. An empty folder beside the only snapshot, known
    /// to be that, is no reason: the shell starts from the snapshot.
    fn refusal(&mut self, node: usize) -> Option<String> {
        if self.is_untouched(node) {
            return None;
        }
        let persistence = self.settings.persistence;
        let host = &mut self.nodes[node];
        let stored = host.disk.read().unwrap_or_default();
        let folder = host.files.folder(persistence);
        let (noted, mutant) = (stored.newest_note(), self.config.mutant);
        let refusal = folder.refusal(persistence.appends(), noted, mutant);
        if refusal.is_none()
            && persistence.appends()
            && folder.begins_with_snapshot(stored.newest_note())
            && mutant != Mutant::StartBesideIgnoredFiles
        {
            host.files.ignored = None;
            host.files.log = None;
        }
        let server = host.program.as_ref();
        refusal.or_else(|| {
            let format = host.files.unreadable_by(persistence, server)?;
            Some(format!(
                "its files are in format {format}, which its redis-server cannot read"
            ))
        })
    }

    /// Lets redis-server do something, and carries out what follows from it.
    pub(super) fn with_redis<R>(
        &mut self,
        node: usize,
        act: impl FnOnce(&mut Server) -> R,
    ) -> Option<R> {
        let result = act(&mut self.nodes[node].redis.as_mut()?.server);
        while let Some(mut effects) = self.effects_of(node) {
            for effect in effects.drain(..) {
                self.perform_effect(node, effect);
            }
            self.effects = effects;
        }
        let redis = self.nodes[node].redis.as_mut()?;
        redis.was_in_step |= redis.server.was_online();
        let next = redis.server.next_tick().max(self.now);
        if next < redis.tick_at {
            redis.tick_at = next;
            self.queue.push(
                next,
                Event::RedisTick {
                    node,
                    redis_run: redis.run,
                },
            );
        }
        Some(result)
    }

    fn effects_of(&mut self, node: usize) -> Option<Vec<Effect>> {
        let server = &mut self.nodes[node].redis.as_mut()?.server;
        if !server.has_effects() {
            return None;
        }
        let mut effects = std::mem::take(&mut self.effects);
        server.swap_effects(&mut effects);
        Some(effects)
    }

    pub(super) fn on_redis_tick(&mut self, node: usize, redis_run: u64) {
        let now = self.now;
        let Some(redis) = self.nodes[node]
            .redis
            .as_mut()
            .filter(|redis| redis.run == redis_run)
        else {
            return;
        };
        if now >= redis.tick_at {
            redis.tick_at = Micros::MAX;
            self.with_redis(node, |server| server.tick(now));
        }
    }

    fn perform_effect(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Connect { link, to } => self.connect_redis(node, link, to),
            Effect::Send { link, message } => self.send_replication(node, link, message),
            Effect::Close { link } => {
                let Some(redis) = self.nodes[node].redis.as_mut() else {
                    return;
                };
                if let Some(channel) = redis.links.remove(&link) {
                    self.close(channel, Place::Node(node));
                    self.gate_parts(node, link);
                }
            }
            Effect::Late {
                client,
                value,
                outcome,
            } => {
                if outcome.is_ok() {
                    self.note_write(node, value);
                }
                let answer = Payload::Answer(value, outcome.map(|_| ()));
                if self.has_gates() {
                    self.answer_gate(node, client, answer);
                } else {
                    self.send(client, Place::Node(node), answer);
                }
            }
            Effect::ClosedClients if self.has_gates() => self.close_gate(node),
            Effect::ClosedClients => self.close_clients(node),
        }
    }

    fn connect_redis(&mut self, node: usize, link: u64, to: Address) {
        let Some(redis) = &self.nodes[node].redis else {
            return;
        };
        let redis_run = redis.run;
        let delay = if to == nowhere() {
            50
        } else {
            self.network.delay(Place::Node(node), Place::Node(node))
        };
        self.queue.push(
            self.now + delay,
            Event::DialAddress {
                node,
                redis_run,
                link,
                to,
            },
        );
    }

    fn send_replication(&mut self, node: usize, link: u64, message: Message) {
        let Some(redis) = &self.nodes[node].redis else {
            return;
        };
        let Some(channel) = redis.links.get(&link).copied() else {
            let now = self.now;
            if let Some(redis) = self.nodes[node].redis.as_mut() {
                redis.server.link_closed(now, link);
            }
            return;
        };
        match message {
            Message::FullResync(..) => self.counters.hit("full resync"),
            Message::Continue(_) => self.counters.hit("partial resync"),
            _ => {}
        }
        self.gate_relays(node, link, &message);
        self.send(channel, Place::Node(node), Payload::Replication(message));
    }

    /// A replication connection is tried: refused where nobody listens, silent where a cut is.
    pub(super) fn on_dial_address(&mut self, node: usize, redis_run: u64, link: u64, to: &Address) {
        let alive = self.nodes[node]
            .redis
            .as_ref()
            .is_some_and(|redis| redis.run == redis_run);
        if !alive {
            return;
        }
        let here = Place::Node(node);
        let target = self
            .nodes
            .iter()
            .position(|host| host.address == *to)
            .filter(|target| *target != node);
        if target.is_some_and(|target| !self.network.connects(here, Place::Node(target))) {
            return;
        }
        let other =
            target.and_then(|target| Some((target, self.nodes[target].redis.as_ref()?.run)));
        let Some((target, run)) = other else {
            let now = self.now;
            self.with_redis(node, |server| server.link_closed(now, link));
            return;
        };
        let channel = self.open(
            Purpose::Replication(link),
            (here, redis_run),
            (Place::Node(target), run),
        );
        if let Some(redis) = self.nodes[node].redis.as_mut() {
            redis.links.insert(link, channel);
        }
        if let Some(redis) = self.nodes[target].redis.as_mut() {
            redis.links.insert(link, channel);
        }
    }

    /// A client's write arrives.
    pub(super) fn on_write(&mut self, node: usize, channel: u64, value: u64) {
        let now = self.now;
        let outcome = self.with_redis(node, |server| {
            server.command(
                now,
                Command::Write {
                    client: channel,
                    value,
                },
            )
        });
        match outcome {
            Some(Ok(Reply::Held)) => self.counters.hit("write held by a pause"),
            Some(Ok(_)) => {
                self.note_write(node, value);
                self.send(channel, Place::Node(node), Payload::Answer(value, Ok(())));
            }
            Some(Err(refusal)) => {
                if refusal == Refusal::NoReplicas {
                    self.counters.hit("write refused by a fence");
                }
                self.send(
                    channel,
                    Place::Node(node),
                    Payload::Answer(value, Err(refusal)),
                );
            }
            None => {}
        }
    }

    fn close_clients(&mut self, node: usize) {
        let Some(redis) = self.nodes[node].redis.as_mut() else {
            return;
        };
        for channel in std::mem::take(&mut redis.clients) {
            self.close(channel, Place::Node(node));
        }
    }

    /// SIGKILL, a crash, or the kernel out of memory: it executes nothing more; its sockets close when
    /// its memory is freed, which takes a large process seconds.
    pub(super) fn kill_redis(&mut self, node: usize, why: &str) {
        let slow = self.slow_death_us;
        let host = &mut self.nodes[node];
        let Some(redis) = host.redis.take() else {
            return;
        };
        if let Some(gate) = &mut host.gate {
            gate.lose_server();
        }
        host.files = redis.server.files().clone();
        host.ended_at = self.now;
        host.running = None;
        host.look_since = None;
        host.hung = false;
        host.condition = Condition::Well;
        let sockets = redis.links.values().copied().chain(redis.clients).collect();
        host.corpses.insert(redis.run, sockets);
        let (run, seen, buried) = (
            host.run,
            host.rng.between(500, 4_000),
            host.rng.between(500, slow.max(501)),
        );
        self.queue.push(
            self.now + buried,
            Event::RedisBuried {
                node,
                redis_run: redis.run,
            },
        );
        let input = Box::new(AgentInput::Died(why.to_owned()));
        self.queue
            .push(self.now + seen, Event::AgentInput { node, run, input });
        self.trace.line(self.now, || {
            format!("node {node}: redis-server died: {why}")
        });
    }

    /// SIGTERM: as Redis ends by itself, with a last save if it keeps dumps.
    pub(super) fn stop_redis(&mut self, node: usize) {
        let now = self.now;
        if self.nodes[node]
            .redis
            .as_ref()
            .is_none_or(|redis| redis.frozen_until > now)
        {
            self.kill_redis(node, "killed, as it did not stop");
            return;
        }
        if self.settings.persistence == Persistence::Dump {
            self.with_redis(node, |server| server.command(now, Command::Save));
        }
        self.tell_rested(node);
        self.kill_redis(node, "stopped");
    }

    /// Its agent hears of an end in order, with the files as they are then, before it hears of the death.
    fn tell_rested(&mut self, node: usize) {
        let host = &self.nodes[node];
        if let Some(redis) = &host.redis {
            let (run, files) = (host.run, redis.server.marks());
            let input = Box::new(AgentInput::Rested(files));
            let at = self.now + RESTED_SEEN_US;
            self.queue.push(at, Event::AgentInput { node, run, input });
        }
    }

    pub(super) fn on_redis_buried(&mut self, node: usize, redis_run: u64) {
        for channel in self.nodes[node]
            .corpses
            .remove(&redis_run)
            .unwrap_or_default()
        {
            self.close(channel, Place::Node(node));
        }
    }
}
