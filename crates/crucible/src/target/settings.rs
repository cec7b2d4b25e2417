//! Settings that the operator changes while the group runs.

use crate::client::connection::ask;
use crate::target::System;
use anyhow::{Context, Result, bail};
use std::time::Duration;

const ASK: Duration = Duration::from_secs(2);

impl System {
    /// Gives every node these settings of redis-server, in the way that its operator would: by the redis.conf that Holdfast's
    /// agents take over within seconds, by `CONFIG SET` where there is no agent.
    ///
    /// # Errors
    /// When the file cannot be written, or a stock server refuses.
    pub async fn configure(&self, settings: &[(&str, &str)]) -> Result<()> {
        let file = match self {
            Self::Holdfast(group) => group.redis_conf(),
            Self::Roles(group) => group.redis_conf(),
            Self::Upstream(_) => return self.set_on_all(settings).await,
        };
        let lines: Vec<String> = settings
            .iter()
            .map(|(key, value)| format!("{key} {value}\n"))
            .collect();
        std::fs::write(&file, lines.concat()).with_context(|| format!("write {}", file.display()))
    }

    async fn set_on_all(&self, settings: &[(&str, &str)]) -> Result<()> {
        for node in self.group()?.nodes {
            for (key, value) in settings {
                let reply = ask(&node.address, &["CONFIG", "SET", key, value], ASK).await;
                if !matches!(&reply, Ok(reply) if reply.error().is_none()) {
                    bail!("CONFIG SET {key} {value} on {}: {reply:?}", node.name);
                }
            }
        }
        Ok(())
    }
}
