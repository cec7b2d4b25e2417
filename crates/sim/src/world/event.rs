//! What may happen next.

use super::channel::{ChannelId, Payload, Purpose};
use super::faults::{Fault, Undo};
use super::network::Place;
use crate::model::Command;
use holdfast_core::agent::AgentInput;
use holdfast_core::names::Address;
use holdfast_core::wire::PeerMessage;

/// Which process of a place an event is for; a frozen one gets it when it thaws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The world itself: never frozen.
    World,
    /// A node's agent.
    Agent(usize),
    /// A node's redis-server.
    Redis(usize),
    /// A node's watchdog process.
    Watchdog(usize),
    /// A sentinel.
    Sentinel(usize),
}

/// Why a command was given to redis-server by its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A step of the operation with this number.
    Step(u64),
    /// A look.
    Look,
}

/// One event.
#[derive(Debug)]
pub(super) enum Event {
    /// Time passes for an agent.
    AgentTick { node: usize, run: u64 },
    /// Something local reaches an agent: a disk, a child.
    AgentInput {
        node: usize,
        run: u64,
        input: Box<AgentInput>,
    },
    /// An agent looks at its redis-server.
    Look { node: usize, run: u64 },
    /// A batch reaches redis-server on the agent's socket.
    Commands {
        node: usize,
        redis_run: u64,
        agent_run: u64,
        why: Why,
        commands: Vec<Command>,
    },
    /// The watchdog's order to refuse writes reaches redis-server.
    WatchdogFence { node: usize, redis_run: u64 },
    /// It was not answered in time.
    WatchdogKill {
        node: usize,
        run: u64,
        redis_run: u64,
    },
    /// Its answer reaches the agent.
    Answered {
        node: usize,
        run: u64,
        why: Why,
        answer: Box<super::operation::LocalAnswer>,
    },
    /// An operation has taken too long.
    OperationTimeout { node: usize, run: u64, number: u64 },
    /// A redis-server was asked for and is up now.
    RedisUp { node: usize, run: u64 },
    /// Time passes for a redis-server.
    RedisTick { node: usize, redis_run: u64 },
    /// The kernel closes the sockets of a dead redis-server.
    RedisBuried { node: usize, redis_run: u64 },
    /// The dead man's switch looks at its deadline.
    Watchdog { node: usize, run: u64 },
    /// Time passes for a sentinel.
    SentinelTick { sentinel: usize, run: u64 },
    /// The oldest write of a sentinel is on disk.
    Persisted { sentinel: usize, run: u64 },
    /// Somebody connects.
    Dial {
        from: Place,
        run: u64,
        to: Place,
        purpose: Purpose,
    },
    /// A redis-server connects to an address for replication.
    DialAddress {
        node: usize,
        redis_run: u64,
        link: u64,
        to: Address,
    },
    /// Something arrives on a connection at this side.
    Arrive {
        channel: ChannelId,
        side: usize,
        payload: Payload,
    },
    /// What a cut held back arrives.
    Flush { channel: ChannelId, side: usize },
    /// This side gives the connection up.
    Abort { channel: ChannelId, side: usize },
    /// A sentinel hears itself.
    Echo {
        sentinel: usize,
        run: u64,
        message: Box<PeerMessage>,
    },
    /// Connections that carry nothing for too long end.
    KeepAlive,
    /// A client's request reaches redis-server through the gate.
    GateAsks {
        node: usize,
        redis_run: u64,
        client: ChannelId,
        request: Payload,
    },
    /// Its answer reaches the gate.
    GateHears {
        node: usize,
        run: u64,
        client: ChannelId,
        reply: Payload,
    },
    /// A barrier of the gate reaches redis-server, or waits there.
    Barrier {
        node: usize,
        redis_run: u64,
        waiting: super::gate::Waiting,
        first: bool,
    },
    /// Answers to its commands reach the gate.
    BarrierSays {
        node: usize,
        run: u64,
        life: u64,
        link: usize,
        said: super::gate::Said,
    },
    /// A gate reads on its way to redis-server what somebody acknowledges.
    GateSees {
        node: usize,
        run: u64,
        redis_run: u64,
        voice: super::gate::Voice,
        offset: u64,
    },
    /// The gate looks whether a barrier is due.
    GateWake { node: usize, run: u64 },
    /// A client does its next thing.
    Client { client: usize, number: u64 },
    /// A client looks whether it has waited long enough.
    Patience(usize),
    /// A pod or a sentinel starts.
    Boot(Place),
    /// A fault.
    Fault(Fault),
    /// The end of one.
    Undo(Undo),
    /// The faults are over.
    Quiet,
    /// Is all well again?
    Inspect,
    /// The end.
    End,
}

impl Event {
    /// For whom it is, if that can be told from the event alone.
    pub(super) fn target(&self) -> Target {
        match self {
            Self::AgentTick { node, .. }
            | Self::AgentInput { node, .. }
            | Self::Look { node, .. }
            | Self::Answered { node, .. }
            | Self::OperationTimeout { node, .. }
            | Self::GateHears { node, .. }
            | Self::BarrierSays { node, .. }
            | Self::GateSees { node, .. }
            | Self::GateWake { node, .. }
            | Self::RedisUp { node, .. } => Target::Agent(*node),
            Self::Commands { node, .. }
            | Self::WatchdogFence { node, .. }
            | Self::GateAsks { node, .. }
            | Self::Barrier { node, .. }
            | Self::RedisTick { node, .. } => Target::Redis(*node),
            Self::Watchdog { node, .. } | Self::WatchdogKill { node, .. } => {
                Target::Watchdog(*node)
            }
            Self::SentinelTick { sentinel, .. }
            | Self::Persisted { sentinel, .. }
            | Self::Echo { sentinel, .. } => Target::Sentinel(*sentinel),
            _ => Target::World,
        }
    }
}
