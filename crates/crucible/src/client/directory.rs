//! Asking sentinels where the primary is.

use crate::client::connection::ask;
use holdfast_resp::Value;
use std::time::Duration;

/// The sentinels of a group, as a client is configured with them.
#[derive(Clone, Debug)]
pub struct Directory {
    sentinels: Vec<String>,
    group: String,
    limit: Duration,
    first: usize,
}

impl Directory {
    /// Asks `sentinels` for `group`, each at most `limit` long.
    pub fn new(sentinels: Vec<String>, group: &str, limit: Duration) -> Self {
        Self {
            sentinels,
            group: group.to_owned(),
            limit,
            first: 0,
        }
    }

    /// Addresses of the sentinels.
    pub fn sentinels(&self) -> &[String] {
        &self.sentinels
    }

    /// The group's name.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Asks one sentinel after the other, the last good one first; `None` when none knows.
    pub async fn locate(&mut self) -> Option<String> {
        for step in 0..self.sentinels.len() {
            let index = (self.first + step) % self.sentinels.len();
            if let Some(address) = self.ask_one(index).await {
                self.first = index;
                return Some(address);
            }
        }
        None
    }

    /// Prefers another sentinel from now on: the present one pointed at a server that is no primary.
    pub fn distrust(&mut self) {
        self.first = (self.first + 1) % self.sentinels.len().max(1);
    }

    /// What every sentinel answers, in order.
    pub async fn survey(&self) -> Vec<Option<String>> {
        let mut answers = Vec::with_capacity(self.sentinels.len());
        for index in 0..self.sentinels.len() {
            answers.push(self.ask_one(index).await);
        }
        answers
    }

    async fn ask_one(&self, index: usize) -> Option<String> {
        let command = ["SENTINEL", "get-master-addr-by-name", &self.group];
        let reply = ask(&self.sentinels[index], &command, self.limit)
            .await
            .ok()?;
        host_and_port(&reply)
    }
}

/// `[ip, port]` as `ip:port`.
fn host_and_port(reply: &Value) -> Option<String> {
    let [host, port] = reply.as_slice()? else {
        return None;
    };
    Some(format!("{}:{}", host.as_str()?, port.as_str()?))
}
