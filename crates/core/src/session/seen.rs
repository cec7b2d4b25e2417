//! What the server says of a session: its answer to `CLIENT INFO`.

/// The fields that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub(super) database: String,
    pub(super) name: String,
    pub(super) user: String,
    pub(super) resp: u8,
    pub(super) flags: String,
    /// Channels, patterns, sharded channels.
    pub(super) subscribed: [usize; 3],
    pub(super) in_transaction: bool,
    pub(super) watching: usize,
    pub(super) redirected: bool,
}

impl Seen {
    /// Reads the line; `None` where a field is missing that all servers from 7.0 on have.
    pub fn read(line: &str) -> Option<Self> {
        let field = |name: &str| {
            let words = line.split_whitespace();
            let mut values = words.filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            values.next()
        };
        let count = |name: &str| field(name)?.parse().ok();
        Some(Self {
            database: field("db")?.to_owned(),
            name: field("name")?.to_owned(),
            user: field("user")?.to_owned(),
            resp: field("resp")?.parse().ok()?,
            flags: field("flags")?.to_owned(),
            subscribed: [count("sub")?, count("psub")?, count("ssub").unwrap_or(0)],
            in_transaction: field("multi")? != "-1",
            watching: count("watch").unwrap_or(0),
            redirected: field("redir")?.parse().is_ok_and(|id: i64| id > 0),
        })
    }

    pub(super) fn is_tracking(&self) -> bool {
        self.flags.contains('t')
    }
}
