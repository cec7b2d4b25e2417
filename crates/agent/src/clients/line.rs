//! One line of `CLIENT LIST`.

use super::Client;

/// What a line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) client: Client,
    /// The number of its file in redis-server.
    pub(super) fd: Option<u32>,
    /// What redis-server takes for its address.
    pub(super) address: String,
}

impl Line {
    /// Reads a line; none without an id. Neither names nor users hold spaces.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut line = Self::default();
        for (key, value) in text.split(' ').filter_map(|word| word.split_once('=')) {
            line.take(key, value);
        }
        line.client.id.is_some().then_some(line)
    }

    fn take(&mut self, key: &str, value: &str) {
        let client = &mut self.client;
        let text = || value.to_owned();
        match key {
            "id" => client.id = value.parse().ok(),
            "fd" => self.fd = value.parse().ok(),
            "addr" => self.address = text(),
            "name" => client.name = text(),
            "user" => client.user = text(),
            "db" => client.db = value.parse().unwrap_or_default(),
            "cmd" => client.cmd = text(),
            "age" => client.age = value.parse().unwrap_or_default(),
            "idle" => client.idle = value.parse().unwrap_or_default(),
            "flags" => client.flags = text(),
            _ => {}
        }
    }

    /// Whether it came by TCP, and so to redis-server itself.
    pub(super) fn is_direct(&self) -> bool {
        // A Unix socket's address is its path and the port 0.
        !self.address.ends_with(":0")
    }
}
