//! The commands that change what must be known of a session.

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Auth,
    Hello,
    Select,
    Client,
    Script,
    Readonly,
    Readwrite,
    Reset,
    Quit,
    Subscribe(Kind),
    Unsubscribe(Kind),
    Multi,
    Exec,
    Discard,
    Watch,
    Unwatch,
    Monitor,
    /// It may wait; its time is the argument at this place, counted from the end if negative.
    Block(isize),
    /// It may wait, where `BLOCK` is among its arguments.
    Stream,
    /// It waits for replicas of this very primary.
    Wait,
    /// It asks for the replication stream.
    Sync,
}

/// What is subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Channel,
    Pattern,
    Shard,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Channel, Self::Pattern, Self::Shard];

    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Channel => "SUBSCRIBE",
            Self::Pattern => "PSUBSCRIBE",
            Self::Shard => "SSUBSCRIBE",
        }
    }
}

/// By length, so that most names are told apart by that alone.
const NAMES: [&[(&[u8], Verb)]; 13] = [
    &[],
    &[],
    &[],
    &[],
    &[
        (b"AUTH", Verb::Auth),
        (b"EXEC", Verb::Exec),
        (b"QUIT", Verb::Quit),
        (b"WAIT", Verb::Wait),
        (b"SYNC", Verb::Sync),
    ],
    &[
        (b"HELLO", Verb::Hello),
        (b"RESET", Verb::Reset),
        (b"MULTI", Verb::Multi),
        (b"WATCH", Verb::Watch),
        (b"BLPOP", Verb::Block(-1)),
        (b"BRPOP", Verb::Block(-1)),
        (b"XREAD", Verb::Stream),
        (b"PSYNC", Verb::Sync),
    ],
    &[
        (b"SELECT", Verb::Select),
        (b"CLIENT", Verb::Client),
        (b"SCRIPT", Verb::Script),
        (b"BLMOVE", Verb::Block(-1)),
        (b"BLMPOP", Verb::Block(1)),
        (b"BZMPOP", Verb::Block(1)),
    ],
    &[
        (b"DISCARD", Verb::Discard),
        (b"UNWATCH", Verb::Unwatch),
        (b"MONITOR", Verb::Monitor),
        (b"WAITAOF", Verb::Wait),
    ],
    &[
        (b"BZPOPMIN", Verb::Block(-1)),
        (b"BZPOPMAX", Verb::Block(-1)),
        (b"READONLY", Verb::Readonly),
    ],
    &[
        (b"SUBSCRIBE", Verb::Subscribe(Kind::Channel)),
        (b"READWRITE", Verb::Readwrite),
    ],
    &[
        (b"PSUBSCRIBE", Verb::Subscribe(Kind::Pattern)),
        (b"SSUBSCRIBE", Verb::Subscribe(Kind::Shard)),
        (b"BRPOPLPUSH", Verb::Block(-1)),
        (b"XREADGROUP", Verb::Stream),
    ],
    &[(b"UNSUBSCRIBE", Verb::Unsubscribe(Kind::Channel))],
    &[
        (b"PUNSUBSCRIBE", Verb::Unsubscribe(Kind::Pattern)),
        (b"SUNSUBSCRIBE", Verb::Unsubscribe(Kind::Shard)),
    ],
];

/// Requests about the session, and about the node whose server is asked: none of them changes data.
const OF_NODE: [&str; 16] = [
    "AUTH", "HELLO", "SELECT", "CLIENT", "RESET", "PING", "ECHO", "QUIT", "INFO", "ROLE", "CONFIG",
    "SLOWLOG", "LATENCY", "MEMORY", "MODULE", "COMMAND",
];

/// Whether a request of this name is one of them.
pub(super) fn is_of_node(name: &[u8]) -> bool {
    let mut known = OF_NODE.iter();
    known.any(|one| name.eq_ignore_ascii_case(one.as_bytes()))
}

impl Verb {
    #[inline]
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let known = NAMES.get(name.len())?;
        let found = known
            .iter()
            .find(|(one, _)| name.eq_ignore_ascii_case(one))?;
        Some(found.1)
    }
}
