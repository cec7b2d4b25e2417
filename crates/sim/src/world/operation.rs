//! What the agent does to redis-server: the steps of each operation, one command after the other.

use super::World;
use super::event::{Event, Why};
use super::host::Redis;
use crate::model::{Command, Micros, Persistence, Refusal};
use holdfast_core::agent::{AgentInput, Operation, ServerInfo};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Address;
use holdfast_core::wire::Condition;
use std::collections::VecDeque;

/// An operation that is not answered for so long has failed; some of it may still be carried out.
const OPERATION_TIMEOUT_US: Micros = 200_000;

/// A look that is not answered for so long means that redis-server hangs, where its process was stopped.
const HUNG_AFTER_US: Micros = 100_000;

/// One that is taken, and not answered for so long, means that a client pauses it.
const PAUSED_AFTER_US: Micros = 300_000;

/// Pace of looks at all that counts; the others only see replication.
const LOOK_AT_ALL_US: Micros = 1_000_000;

/// A hold does not end by itself.
const HOLD_US: Micros = 10 * 365 * 24 * 3_600 * 1_000_000;

/// An operation under way.
#[derive(Debug)]
pub struct Running {
    /// Which one of this agent's run.
    pub(super) number: u64,
    /// What.
    pub(super) operation: Operation,
    /// Batches not yet sent.
    pub(super) batches: VecDeque<Vec<Command>>,
}

/// An answer of redis-server on the agent's socket.
#[derive(Debug)]
pub(super) struct LocalAnswer {
    /// How the command ended.
    pub(super) result: Result<(), Refusal>,
    /// A look taken at the same moment.
    pub(super) info: ServerInfo,
    /// How many copies its log says that it has not loaded.
    pub(super) copies_failed: u32,
}

/// The address that a sealed node follows; nobody is there.
pub(super) fn nowhere() -> Address {
    Address::new("nowhere", 1)
}

/// The batches of an operation: each is one transaction and one round trip, as the agent's shell sends it.
fn batches(operation: &Operation, was_primary: bool) -> Vec<Vec<Command>> {
    let cut = Command::ReplicaOf(Some(nowhere()));
    let (fence, keep) = (Command::Fence(true), Command::KeepCopies(true));
    match operation {
        Operation::Seal if was_primary => {
            vec![vec![
                fence,
                cut,
                Command::Unpause,
                keep,
                Command::KillClients,
            ]]
        }
        Operation::Seal => vec![vec![fence, cut, Command::Unpause, keep]],
        Operation::Pause => vec![vec![Command::Pause(HOLD_US)]],
        Operation::Promote => vec![
            vec![fence, Command::KeepCopies(false), Command::ReplicaOf(None)],
            vec![Command::TouchBacklog],
        ],
        Operation::Follow(address) => vec![
            vec![fence, cut, Command::ReplicaOf(Some(address.clone()))],
            vec![],
        ],
        Operation::Open => vec![vec![Command::Fence(false), Command::Unpause], vec![]],
        Operation::Fence => vec![vec![fence, Command::Unpause], vec![]],
        Operation::EndScript => vec![vec![Command::EndScript], vec![]],
        Operation::Start | Operation::Kill | Operation::Stop => Vec::new(),
    }
}

/// What an agent reads in `INFO`.
pub(super) fn server_info(redis: &Redis) -> ServerInfo {
    let info = redis.server.info();
    ServerInfo {
        incarnation: redis.incarnation.clone(),
        is_master: info.primary,
        replid: info.replid.to_string(),
        before: info.replid2.map(|name| {
            let until = info.second_offset.max(1) as u64 - 1;
            (name.to_string(), until)
        }),
        offset: info.offset,
        link_up: info.link_up,
        syncing: info.sync_in_progress,
        fenced: info.primary && redis.server.is_fenced(),
        replicas: info.replicas.len(),
        loading: info.loading,
        persisted: info.persisted,
        logged: info.logged,
        on_disk: info.on_disk,
        stamp: info.stamp,
        keys: info.keys,
        memory_bytes: 1_000_000 + 100 * info.keys,
        keys_at: info.offset,
        files: Some(redis.server.marks()),
        settles_in: Some(redis.server.settles_in()),
        log_off: redis.server.is_log_off(),
        server: redis.server.version().cloned(),
        ..ServerInfo::default()
    }
}

impl World {
    /// The agent wants something done.
    pub(super) fn begin_operation(&mut self, node: usize, operation: Operation) {
        let run = self.nodes[node].run;
        match operation {
            Operation::Start => self.start_redis(node),
            Operation::Kill => self.kill_redis(node, "killed by its agent"),
            Operation::Stop => self.stop_redis(node),
            operation => {
                self.operations += 1;
                let number = self.operations;
                let redis = self.nodes[node].redis.as_ref();
                let was_primary = redis.is_some_and(|redis| redis.server.is_primary());
                let batches = batches(&operation, was_primary).into();
                self.nodes[node].running = Some(Running {
                    number,
                    operation,
                    batches,
                });
                let timeout = Event::OperationTimeout { node, run, number };
                self.queue.push(self.now + OPERATION_TIMEOUT_US, timeout);
                self.next_step(node);
            }
        }
    }

    fn next_step(&mut self, node: usize) {
        let Some(running) = &mut self.nodes[node].running else {
            return;
        };
        let (number, next) = (running.number, running.batches.pop_front());
        if let Some(commands) = next {
            self.give_commands(node, Why::Step(number), commands);
        }
    }

    /// Sends a batch on the agent's own connection to redis-server.
    fn give_commands(&mut self, node: usize, why: Why, commands: Vec<Command>) {
        let host = &mut self.nodes[node];
        let Some(redis) = &host.redis else { return };
        let (redis_run, agent_run) = (redis.run, host.run);
        let at = (self.now + host.rng.between(20, 200)).max(host.socket_free[0] + 1);
        host.socket_free[0] = at;
        self.queue.push(
            at,
            Event::Commands {
                node,
                redis_run,
                agent_run,
                why,
                commands,
            },
        );
    }

    /// A batch of the agent reaches redis-server, which executes it as a whole.
    pub(super) fn on_commands(
        &mut self,
        node: usize,
        redis_run: u64,
        agent_run: u64,
        why: Why,
        commands: &[Command],
    ) {
        let alive = self.nodes[node]
            .redis
            .as_ref()
            .is_some_and(|redis| redis.run == redis_run);
        if !alive {
            return;
        }
        let mut result = Ok(());
        for command in commands {
            result = result.and(self.execute(node, command));
        }
        let Some(redis) = &self.nodes[node].redis else {
            return;
        };
        if redis.server.busy_since().is_some() {
            result = result.and(Err(Refusal::Busy));
        }
        let answer = Box::new(LocalAnswer {
            result,
            info: server_info(redis),
            copies_failed: redis.server.info().copies_failed,
        });
        let host = &mut self.nodes[node];
        let at = (self.now + host.rng.between(20, 200)).max(host.socket_free[1] + 1);
        host.socket_free[1] = at;
        self.queue.push(
            at,
            Event::Answered {
                node,
                run: agent_run,
                why,
                answer,
            },
        );
    }

    fn execute(&mut self, node: usize, command: &Command) -> Result<(), Refusal> {
        let now = self.now;
        let touch = *command == Command::TouchBacklog;
        let result = self.with_redis(node, |server| {
            let skip = touch && server.has_backlog();
            if skip {
                Ok(())
            } else {
                server.command(now, command.clone()).map(|_| ())
            }
        });
        let result = result.unwrap_or(Ok(()));
        self.after_command(node, command, result);
        result
    }

    /// An answer of redis-server reaches its agent.
    pub(super) fn on_answered(&mut self, node: usize, why: Why, answer: LocalAnswer) {
        match why {
            Why::Look => self.on_look(node, answer),
            Why::Step(number) => self.on_step(node, number, answer),
        }
    }

    fn on_step(&mut self, node: usize, number: u64, answer: LocalAnswer) {
        let Some(running) = self.nodes[node]
            .running
            .take_if(|running| running.number == number)
        else {
            return;
        };
        let (last, operation) = (running.batches.is_empty(), running.operation.clone());
        // A script that has ended by itself meanwhile need not be ended.
        let refused = answer.result.err();
        if let Some(refusal) = refused.filter(|refusal| *refusal != Refusal::NotBusy) {
            let why = format!("{refusal:?}").to_uppercase();
            self.agent_step(node, AgentInput::Done(operation, Err(why)));
        } else if last {
            self.nodes[node].looks.done = true;
            self.agent_step(node, AgentInput::Done(operation, Ok(answer.info)));
        } else {
            self.nodes[node].running = Some(running);
            self.next_step(node);
        }
    }

    /// The watchdog's own connection: its fence overtakes nothing that the agent sent before, yet waits for nobody.
    pub(super) fn on_watchdog_fence(&mut self, node: usize, redis_run: u64) {
        let alive = self.nodes[node]
            .redis
            .as_ref()
            .is_some_and(|redis| redis.run == redis_run);
        if alive {
            // One that runs a script refuses the order as any other.
            if self.execute(node, &Command::Fence(true)).is_ok() {
                self.nodes[node].guarding = None;
            }
        }
    }

    /// No answer in time: the batches not sent are given up, the one sent may still be carried out.
    pub(super) fn on_operation_timeout(&mut self, node: usize, number: u64) {
        let Some(running) = self.nodes[node]
            .running
            .take_if(|running| running.number == number)
        else {
            return;
        };
        self.agent_step(
            node,
            AgentInput::Done(running.operation, Err("no answer in time".to_owned())),
        );
    }

    /// The agent looks at redis-server, or finds that the last look is not answered.
    pub(super) fn look(&mut self, node: usize) {
        let now = self.now;
        let host = &mut self.nodes[node];
        let (run, Some(agent)) = (host.run, host.agent.as_ref()) else {
            return;
        };
        let every = agent.look_every().max(1) * 1000;
        self.queue.push(now + every, Event::Look { node, run });
        if !host.redis.as_ref().is_some_and(|redis| redis.up) {
            return;
        }
        match host.look_since {
            None => {
                host.look_since = Some(now);
                self.give_commands(node, Why::Look, Vec::new());
            }
            Some(since) => self.judge_silence(node, now - since),
        }
    }

    /// A look is not answered: redis-server was stopped, or it takes what it is asked and answers nothing.
    fn judge_silence(&mut self, node: usize, silent: Micros) {
        let now = self.now;
        let host = &mut self.nodes[node];
        let redis = host.redis.as_ref();
        if redis.is_some_and(|redis| redis.frozen_until > now) {
            if silent > HUNG_AFTER_US && !std::mem::replace(&mut host.hung, true) {
                self.agent_step(node, AgentInput::Hung("no answer to PING".to_owned()));
            }
        } else if redis.is_some_and(|redis| redis.is_silent(now)) {
            if std::mem::take(&mut host.hung) {
                self.agent_step(node, AgentInput::Recovered);
            }
            if silent > PAUSED_AFTER_US {
                self.tell_condition(node, Condition::Paused, silent / 1_000);
            }
        }
    }

    /// The agent is told what keeps redis-server from serving, whenever that changes.
    fn tell_condition(&mut self, node: usize, condition: Condition, for_ms: u64) {
        let told = std::mem::replace(&mut self.nodes[node].condition, condition);
        if told != condition {
            self.agent_step(node, AgentInput::Condition { condition, for_ms });
        }
    }

    fn on_look(&mut self, node: usize, answer: LocalAnswer) {
        let host = &mut self.nodes[node];
        host.look_since = None;
        if std::mem::take(&mut host.hung) {
            self.agent_step(node, AgentInput::Recovered);
        }
        let busy = answer.result == Err(Refusal::Busy);
        let condition = if busy {
            Condition::Busy
        } else {
            Condition::Well
        };
        self.tell_condition(node, condition, 0);
        if answer.result.is_ok() {
            let (ended, input) = self.look_at(node, answer.info);
            if ended || matches!(input, AgentInput::Info(_)) {
                self.read_log(node, answer.copies_failed);
            }
            self.agent_step(node, input);
        }
    }

    /// One look as the shell takes it: thorough once a second, after an operation and where something is under way, and else a
    /// glance. Says as well whether a copy has ended.
    fn look_at(&mut self, node: usize, info: ServerInfo) -> (bool, AgentInput) {
        let (now, mutant) = (self.now, self.config.mutant);
        let fsync = self.settings.persistence == Persistence::AppendAlways;
        let looks = &mut self.nodes[node].looks;
        let seen = &looks.seen;
        let ended = seen.syncing && !info.syncing;
        let under_way = seen.loading || seen.syncing || !seen.persisted || (fsync && !seen.on_disk);
        let due = looks.all_at.is_none_or(|at| now >= at + LOOK_AT_ALL_US);
        let old = mutant == Mutant::RememberAnOldLook;
        let done = std::mem::take(&mut looks.done) && !old;
        if done || under_way || due {
            looks.all_at = Some(now);
            looks.seen = info.clone();
            return (ended, AgentInput::Info(info));
        }
        looks.seen = looks.seen.after(info.clone());
        let input = if old {
            AgentInput::Info(looks.seen.clone())
        } else {
            AgentInput::Glance(info)
        };
        (ended, input)
    }

    /// What the log of redis-server says of copies since it was read last.
    fn read_log(&mut self, node: usize, copies_failed: u32) {
        let looks = &mut self.nodes[node].looks;
        let before = std::mem::replace(&mut looks.copies_failed, copies_failed);
        if copies_failed > before {
            let why = "its log says why".to_owned();
            self.agent_step(node, AgentInput::CopyFailed(why));
        }
    }
}
