//! The table of commands: names, counts of arguments, flags, categories, and what runs them.

use super::{
    Call, Outcome, acl, client, command, connection, holdfast, info, pubsub, sentinel,
    sentinel_change,
};

/// The categories of the ACL, in the order of redis-server. A category's bit is its place in this list.
pub(crate) const CATEGORIES: [&str; 21] = [
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

const PUBSUB: u32 = 1 << 12;
const ADMIN: u32 = 1 << 13;
const FAST: u32 = 1 << 14;
const SLOW: u32 = 1 << 15;
const DANGEROUS: u32 = 1 << 17;
const CONNECTION: u32 = 1 << 18;
const ADMIN_SLOW: u32 = ADMIN | SLOW | DANGEROUS;
const GUARDED: u8 = flags::NOT_FOR_STRANGERS;

/// The bit of a category, by its name without `@`.
pub(crate) fn category_bit(name: &str) -> Option<u32> {
    CATEGORIES
        .iter()
        .position(|known| known.eq_ignore_ascii_case(name))
        .map(|place| 1 << place)
}

/// Flags of a command.
pub(crate) mod flags {
    /// May be used before authenticating, and whatever the ACL says.
    pub(crate) const NO_AUTH: u8 = 1;
    /// May be used in RESP2 while subscribed.
    pub(crate) const WHILE_SUBSCRIBED: u8 = 2;
    /// Changes the group, users or other clients, or shows what protects them: not for strangers.
    pub(crate) const NOT_FOR_STRANGERS: u8 = 8;
    /// An alias that only Valkey knows, or a command that only Holdfast knows.
    pub(crate) const EXTENSION: u8 = 4;
}

/// One command or subcommand.
pub(crate) struct Command {
    pub(super) name: &'static str,
    /// Number of arguments with the name (or names); negative: at least that many.
    pub(super) arity: i8,
    pub(super) flags: u8,
    pub(super) categories: u32,
    pub(super) subs: &'static [Command],
    pub(super) run: fn(&mut Call<'_>) -> Outcome,
    pub(super) summary: &'static str,
}

impl Command {
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn takes(&self, count: usize) -> bool {
        let bound = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 {
            count >= bound
        } else {
            count == bound
        }
    }

    /// The names of its flags in `COMMAND INFO`.
    pub(super) fn flag_names(&self) -> Vec<&'static str> {
        let mut names = vec!["noscript", "loading", "stale"];
        let by_category = [(ADMIN, "admin"), (FAST, "fast"), (PUBSUB, "pubsub")];
        names.extend(
            by_category
                .iter()
                .filter(|(bit, _)| self.categories & bit != 0)
                .map(|(_, name)| *name),
        );
        if self.has(flags::NO_AUTH) {
            names.push("no_auth");
        }
        names
    }
}

/// A command, or one of its subcommands, by place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommandId {
    command: u8,
    /// Place among the subcommands plus one; 0 for the command itself.
    sub: u8,
}

impl Default for CommandId {
    fn default() -> Self {
        Self {
            command: u8::MAX,
            sub: 0,
        }
    }
}

impl CommandId {
    fn entry(self) -> Option<(&'static Command, Option<&'static Command>)> {
        let command = COMMANDS.get(usize::from(self.command))?;
        Some((
            command,
            self.sub
                .checked_sub(1)
                .and_then(|sub| command.subs.get(usize::from(sub))),
        ))
    }

    /// The command that it is a subcommand of; itself if it is none.
    pub(crate) fn parent(self) -> Self {
        Self { sub: 0, ..self }
    }

    pub(crate) fn categories(self) -> u32 {
        self.entry()
            .map_or(0, |(command, sub)| sub.unwrap_or(command).categories)
    }

    /// `ping`, `sentinel|masters`; `NULL` for no command.
    pub(crate) fn full_name(self) -> String {
        match self.entry() {
            None => "NULL".to_owned(),
            Some((command, None)) => command.name.to_owned(),
            Some((command, Some(sub))) => format!("{}|{}", command.name, sub.name),
        }
    }

    pub(crate) fn packed(self) -> u16 {
        u16::from_be_bytes([self.command, self.sub])
    }

    pub(crate) fn unpacked(packed: u16) -> Self {
        let [command, sub] = packed.to_be_bytes();
        Self { command, sub }
    }
}

/// The command called `name`, in any case.
pub(super) fn find(name: &[u8]) -> Option<(CommandId, &'static Command)> {
    let place = COMMANDS
        .iter()
        .position(|command| command.name.as_bytes().eq_ignore_ascii_case(name))?;
    Some((
        CommandId {
            command: place as u8,
            sub: 0,
        },
        &COMMANDS[place],
    ))
}

/// Its subcommand called `name`, in any case.
pub(super) fn find_sub(
    id: CommandId,
    command: &'static Command,
    name: &[u8],
) -> Option<(CommandId, &'static Command)> {
    let place = command
        .subs
        .iter()
        .position(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))?;
    Some((
        CommandId {
            sub: place as u8 + 1,
            ..id
        },
        &command.subs[place],
    ))
}

/// `ping` or `sentinel|masters`.
pub(crate) fn find_id(full_name: &str) -> Option<CommandId> {
    let (name, sub) = full_name
        .split_once('|')
        .map_or((full_name, None), |(name, sub)| (name, Some(sub)));
    let (id, command) = find(name.as_bytes())?;
    match sub {
        None => Some(id),
        Some(sub) => find_sub(id, command, sub.as_bytes()).map(|(id, _)| id),
    }
}

/// All commands and subcommands.
pub(super) fn all() -> impl Iterator<Item = (CommandId, &'static Command)> {
    COMMANDS.iter().enumerate().flat_map(|(place, command)| {
        let id = CommandId {
            command: place as u8,
            sub: 0,
        };
        let subs = command.subs.iter().enumerate();
        std::iter::once((id, command)).chain(subs.map(move |(sub, entry)| {
            (
                CommandId {
                    sub: sub as u8 + 1,
                    ..id
                },
                entry,
            )
        }))
    })
}

macro_rules! commands {
    ($($name:literal $arity:literal $flags:expr, $categories:expr, $run:path, $summary:literal $([$($subs:tt)*])?;)*) => {
        &[$(Command {
            name: $name,
            arity: $arity,
            flags: $flags,
            categories: $categories,
            subs: commands!($($($subs)*)?),
            run: $run,
            summary: $summary,
        },)*]
    };
}

/// Every command. The order is that of `COMMAND LIST`.
pub(super) static COMMANDS: &[Command] = commands! {
    "acl" -2 0, SLOW, connection::never, "Access list commands." [
        "cat" -2 0, SLOW, acl::cat, "Lists the categories, or the commands of one.";
        "deluser" -3 GUARDED, ADMIN_SLOW, acl::deluser, "Deletes users.";
        "dryrun" -4 0, ADMIN_SLOW, acl::dryrun, "Says whether a user may run a command.";
        "genpass" -2 0, SLOW, acl::genpass, "Makes a random password.";
        "getuser" 3 GUARDED, ADMIN_SLOW, acl::getuser, "Shows the rules of a user.";
        "help" 2 0, SLOW, acl::help, "Shows the subcommands.";
        "list" 2 GUARDED, ADMIN_SLOW, acl::list, "Shows the users as lines of the configuration file.";
        "load" 2 GUARDED, ADMIN_SLOW, acl::no_file, "Reads the users from a file.";
        "log" -2 GUARDED, ADMIN_SLOW, acl::log, "Shows what was refused lately.";
        "save" 2 GUARDED, ADMIN_SLOW, acl::no_file, "Writes the users to a file.";
        "setuser" -3 GUARDED, ADMIN_SLOW, acl::setuser, "Makes or changes a user, until the next restart.";
        "users" 2 0, ADMIN_SLOW, acl::users, "Lists the names of the users.";
        "whoami" 2 0, SLOW, acl::whoami, "Shows the user of this connection.";
    ];
    "auth" -2 flags::NO_AUTH, FAST | CONNECTION, connection::auth, "Authenticates the connection.";
    "client" -2 0, SLOW | CONNECTION, connection::never, "Connection commands." [
        "caching" 3 0, SLOW | CONNECTION, client::caching, "Has no effect: a sentinel has no keys.";
        "getname" 2 0, SLOW | CONNECTION, client::getname, "Shows the connection's name.";
        "getredir" 2 0, SLOW | CONNECTION, client::getredir, "Shows where invalidations go: nowhere.";
        "help" 2 0, SLOW | CONNECTION, client::help, "Shows the subcommands.";
        "id" 2 0, SLOW | CONNECTION, client::id, "Shows the connection's number.";
        "info" 2 0, SLOW | CONNECTION, client::info, "Describes the connection.";
        "kill" -3 GUARDED, ADMIN_SLOW | CONNECTION, client::kill, "Cuts connections off.";
        "list" -2 0, ADMIN_SLOW | CONNECTION, client::list, "Lists the connections.";
        "no-evict" 3 0, ADMIN_SLOW | CONNECTION, client::on_off, "Has no effect: clients are not evicted.";
        "pause" -3 GUARDED, ADMIN_SLOW | CONNECTION, client::pause, "Refused: a sentinel does not pause.";
        "reply" 3 0, SLOW | CONNECTION, client::reply, "Says which replies are wanted.";
        "setinfo" 4 0, SLOW | CONNECTION, client::setinfo, "Names the library.";
        "setname" 3 0, SLOW | CONNECTION, client::setname, "Names the connection.";
        "tracking" -3 0, SLOW | CONNECTION, client::on_off, "Has no effect: a sentinel has no keys.";
        "trackinginfo" 2 0, SLOW | CONNECTION, client::trackinginfo, "Shows that nothing is tracked.";
        "unblock" -3 GUARDED, ADMIN_SLOW | CONNECTION, client::unblock, "Has no effect: no command blocks.";
        "unpause" 2 GUARDED, ADMIN_SLOW | CONNECTION, client::unpause, "Has no effect: a sentinel does not pause.";
    ];
    "command" -1 0, SLOW | CONNECTION, command::info, "Describes the commands." [
        "count" 2 0, SLOW | CONNECTION, command::count, "Counts the commands.";
        "docs" -2 0, SLOW | CONNECTION, command::docs, "Shows what commands are for.";
        "getkeys" -3 0, SLOW | CONNECTION, command::getkeys, "Refused: no command here has keys.";
        "getkeysandflags" -3 0, SLOW | CONNECTION, command::getkeys, "Refused: no command here has keys.";
        "help" 2 0, SLOW | CONNECTION, command::help, "Shows the subcommands.";
        "info" -2 0, SLOW | CONNECTION, command::info, "Describes some commands.";
        "list" -2 0, SLOW | CONNECTION, command::list, "Lists the names of the commands.";
    ];
    "hello" -1 flags::NO_AUTH, FAST | CONNECTION, connection::hello, "Chooses the version of the protocol.";
    "holdfast" -2 flags::EXTENSION, ADMIN_SLOW, holdfast::run, "Holdfast's own commands.";
    "info" -1 0, SLOW | DANGEROUS, info::info, "Describes this sentinel.";
    "ping" -1 flags::WHILE_SUBSCRIBED, FAST | CONNECTION, connection::ping, "Answers.";
    "psubscribe" -2 flags::WHILE_SUBSCRIBED, PUBSUB | SLOW, pubsub::psubscribe, "Listens to the events that fit patterns.";
    "publish" 3 0, PUBSUB | FAST, pubsub::publish, "Refused: sentinels do not gossip.";
    "punsubscribe" -1 flags::WHILE_SUBSCRIBED, PUBSUB | SLOW, pubsub::punsubscribe, "Stops listening.";
    "role" 1 0, ADMIN | FAST | DANGEROUS, info::role, "Shows that this is a sentinel, and of which groups.";
    "sentinel" -2 0, ADMIN_SLOW, connection::never, "The groups that this sentinel watches." [
        "ckquorum" 3 0, ADMIN_SLOW, sentinel::ckquorum, "Says whether a failover could be agreed on.";
        "config" -3 0, ADMIN_SLOW, sentinel_change::config, "Shows the sentinel's settings.";
        "debug" -2 GUARDED, ADMIN_SLOW, sentinel_change::debug, "Refused: timings are in the configuration file.";
        "failover" -3 GUARDED, ADMIN_SLOW, sentinel_change::failover, "Starts a failover.";
        "flushconfig" 2 0, ADMIN_SLOW, sentinel_change::flushconfig, "Has no effect: everything is on disk already.";
        "get-master-addr-by-name" 3 0, ADMIN_SLOW, sentinel::address, "Shows the address of a group's primary.";
        "get-primary-addr-by-name" 3 flags::EXTENSION, ADMIN_SLOW, sentinel::address, "Shows the address of a group's primary.";
        "help" 2 0, SLOW, sentinel::help, "Shows the subcommands.";
        "info-cache" -3 0, ADMIN_SLOW, sentinel::info_cache, "Shows the last INFO of the nodes of groups.";
        "is-master-down-by-addr" 6 0, ADMIN_SLOW, sentinel::is_down, "Says whether this sentinel finds a primary down.";
        "is-primary-down-by-addr" 6 flags::EXTENSION, ADMIN_SLOW, sentinel::is_down, "Says whether this sentinel finds a primary down.";
        "master" 3 0, ADMIN_SLOW, sentinel::primary, "Describes a group and its primary.";
        "masters" 2 0, ADMIN_SLOW, sentinel::primaries, "Describes all groups and their primaries.";
        "monitor" 6 GUARDED, ADMIN_SLOW, sentinel_change::monitor, "Refused: groups are in the configuration file.";
        "myid" 2 0, ADMIN_SLOW, sentinel::my_id, "Shows the sentinel's identity.";
        "pending-scripts" 2 0, ADMIN_SLOW, sentinel::pending_scripts, "Lists the scripts that run: none.";
        "primaries" 2 flags::EXTENSION, ADMIN_SLOW, sentinel::primaries, "Describes all groups and their primaries.";
        "primary" 3 flags::EXTENSION, ADMIN_SLOW, sentinel::primary, "Describes a group and its primary.";
        "remove" 3 GUARDED, ADMIN_SLOW, sentinel_change::remove, "Refused: groups are in the configuration file.";
        "replicas" 3 0, ADMIN_SLOW, sentinel::replicas, "Describes the replicas of a group.";
        "reset" 3 GUARDED, ADMIN_SLOW, sentinel_change::reset, "Forgets nodes that are gone.";
        "sentinels" 3 0, ADMIN_SLOW, sentinel::sentinels, "Describes the other sentinels of a group.";
        "set" -5 GUARDED, ADMIN_SLOW, sentinel_change::set, "Changes settings of a group.";
        "simulate-failure" -3 GUARDED, ADMIN_SLOW, sentinel_change::simulate, "Refused: failures are simulated by the fault drills.";
        "slaves" 3 0, ADMIN_SLOW, sentinel::replicas, "Describes the replicas of a group.";
    ];
    "shutdown" -1 GUARDED, ADMIN_SLOW, connection::shutdown, "Refused: the process is supervised.";
    "subscribe" -2 flags::WHILE_SUBSCRIBED, PUBSUB | SLOW, pubsub::subscribe, "Listens to events.";
    "unsubscribe" -1 flags::WHILE_SUBSCRIBED, PUBSUB | SLOW, pubsub::unsubscribe, "Stops listening.";
};
