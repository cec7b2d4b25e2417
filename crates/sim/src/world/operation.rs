//! What the agent does to redis-server: the steps of each operation, one command after the other.

use super::World;
use super::event::{Event, Why};
use crate::model::{Command, Info, Micros, Refusal};
use holdfast_core::agent::{AgentInput, Operation, ServerInfo};
use holdfast_core::names::{Address, Incarnation};
use std::collections::VecDeque;

/// An operation that is not answered for so long has failed; some of it may still be carried out.
const OPERATION_TIMEOUT_US: Micros = 200_000;

/// A look that is not answered for so long means that redis-server hangs.
const HUNG_AFTER_US: Micros = 100_000;

/// Longest pause of a handoff, as `holdfast_core::limits::PAUSE_MAX`.
const PAUSE_US: Micros = holdfast_core::limits::PAUSE_MAX * 1000;

/// An operation under way.
#[derive(Debug)]
pub struct Running {
    /// Which one of this agent's run.
    pub number: u64,
    /// What.
    pub operation: Operation,
    /// Steps not yet sent.
    pub steps: VecDeque<Command>,
}

/// An answer of redis-server on the agent's socket.
#[derive(Debug)]
pub struct LocalAnswer {
    /// How the command ended.
    pub result: Result<(), Refusal>,
    /// A look taken at the same moment.
    pub info: Info,
}

/// The address that a sealed node follows; nobody is there.
pub fn nowhere() -> Address {
    Address::new("nowhere", 1)
}

fn steps(operation: &Operation) -> Vec<Command> {
    let seal = Command::ReplicaOf(Some(nowhere()));
    match operation {
        Operation::Seal => vec![
            Command::Fence(true),
            seal,
            Command::KillClients,
            Command::Unpause,
        ],
        Operation::Pause => vec![Command::Pause(PAUSE_US), Command::Fence(true)],
        Operation::Promote => vec![
            Command::Fence(true),
            Command::ReplicaOf(None),
            Command::TouchBacklog,
        ],
        Operation::Follow(address) => vec![
            Command::Fence(true),
            Command::ReplicaOf(Some(address.clone())),
        ],
        Operation::Open => vec![Command::Unpause, Command::Fence(false)],
        Operation::Fence => vec![Command::Fence(true)],
        Operation::Start | Operation::Kill | Operation::Stop => Vec::new(),
    }
}

/// What an agent reads in `INFO`.
pub fn server_info(info: &Info) -> ServerInfo {
    ServerInfo {
        incarnation: Incarnation(format!("{:040x}", info.run_id)),
        is_master: info.primary,
        replid: info.replid.to_string(),
        offset: info.offset,
        link_up: info.link_up,
        syncing: info.sync_in_progress,
        loading: info.loading,
        keys: info.keys,
        memory_bytes: 1_000_000 + 100 * info.keys,
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
                let mut steps: VecDeque<Command> = steps(&operation).into();
                steps.push_back(Command::Info);
                self.nodes[node].running = Some(Running {
                    number,
                    operation,
                    steps,
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
        let (number, next) = (running.number, running.steps.pop_front());
        if let Some(command) = next {
            self.give_command(node, Why::Step(number), command);
        }
    }

    /// Sends a command on the agent's own connection to redis-server.
    pub(super) fn give_command(&mut self, node: usize, why: Why, command: Command) {
        let host = &mut self.nodes[node];
        let Some(redis) = &host.redis else { return };
        let (redis_run, agent_run) = (redis.run, host.run);
        let at = (self.now + host.rng.between(20, 200)).max(host.socket_free[0] + 1);
        host.socket_free[0] = at;
        self.queue.push(
            at,
            Event::Command {
                node,
                redis_run,
                agent_run,
                why,
                command,
            },
        );
    }

    /// A command of the agent reaches redis-server.
    pub(super) fn on_command(
        &mut self,
        node: usize,
        redis_run: u64,
        agent_run: u64,
        why: Why,
        command: Command,
    ) {
        let now = self.now;
        let alive = self.nodes[node]
            .redis
            .as_ref()
            .is_some_and(|redis| redis.run == redis_run);
        if !alive {
            return;
        }
        self.before_command(node, &command);
        let touch = command == Command::TouchBacklog;
        let outcome = self.with_redis(node, |server| {
            let skip = touch && server.info().backlog;
            let result = if skip {
                Ok(())
            } else {
                server.command(now, command.clone()).map(|_| ())
            };
            LocalAnswer {
                result,
                info: server.info(),
            }
        });
        let Some(answer) = outcome else { return };
        self.after_command(node, &command, answer.result);
        let host = &mut self.nodes[node];
        let at = (now + host.rng.between(20, 200)).max(host.socket_free[1] + 1);
        host.socket_free[1] = at;
        self.queue.push(
            at,
            Event::Answered {
                node,
                run: agent_run,
                why,
                answer: Box::new(answer),
            },
        );
    }

    /// An answer of redis-server reaches its agent.
    pub(super) fn on_answered(&mut self, node: usize, why: Why, answer: &LocalAnswer) {
        match why {
            Why::Look => self.on_look(node, answer),
            Why::Step(number) => self.on_step(node, number, answer),
        }
    }

    fn on_step(&mut self, node: usize, number: u64, answer: &LocalAnswer) {
        let Some(running) = self.nodes[node]
            .running
            .take_if(|running| running.number == number)
        else {
            return;
        };
        let (last, operation) = (running.steps.is_empty(), running.operation.clone());
        if let Err(refusal) = answer.result {
            self.agent_step(
                node,
                AgentInput::Done(operation, Err(format!("{refusal:?}"))),
            );
        } else if last {
            self.agent_step(
                node,
                AgentInput::Done(operation, Ok(server_info(&answer.info))),
            );
        } else {
            self.nodes[node].running = Some(running);
            self.next_step(node);
        }
    }

    /// No answer in time: the steps not sent are given up, the one sent may still be carried out.
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
                self.give_command(node, Why::Look, Command::Info);
            }
            Some(since) if now > since + HUNG_AFTER_US && !host.hung => {
                host.hung = true;
                self.agent_step(node, AgentInput::Hung("no answer to PING".to_owned()));
            }
            Some(_) => {}
        }
    }

    fn on_look(&mut self, node: usize, answer: &LocalAnswer) {
        let host = &mut self.nodes[node];
        host.look_since = None;
        if std::mem::take(&mut host.hung) {
            self.agent_step(node, AgentInput::Recovered);
        }
        self.agent_step(node, AgentInput::Info(server_info(&answer.info)));
    }
}
