//! What a group says is wrong with it. No evidence of what it did; but a group that waits for a person has to say so.

use crate::client::connection::ask;
use crate::target::Group;
use anyhow::{Context, Result, bail};
use std::time::Duration;

const ASK: Duration = Duration::from_secs(1);

/// How often every sentinel is given a person's word, a second apart.
const WORDS: usize = 10;

/// The trouble that the first sentinel which names one names.
pub async fn named(group: &Group) -> Option<String> {
    for sentinel in &group.sentinels {
        let command = ["HOLDFAST", "STATUS", &group.group];
        let Ok(reply) = ask(&sentinel.address, &command, ASK).await else {
            continue;
        };
        let status = reply.as_str().map(serde_json::from_str);
        if let Some(Ok(serde_json::Value::Object(status))) = status
            && let Some(trouble) = status.get("trouble").and_then(|trouble| trouble.as_str())
        {
            return Some(trouble.to_owned());
        }
    }
    None
}

/// Gives a person's word to go on from the node whose redis-server calls itself a master.
///
/// # Errors
/// No node does, or no sentinel takes the word.
pub async fn force(group: &Group) -> Result<()> {
    let node = master(group).await.context("no node is a master")?;
    let command = ["HOLDFAST", "FORCE", &group.group, node];
    let mut refused = String::new();
    for _ in 0..WORDS {
        for sentinel in &group.sentinels {
            match ask(&sentinel.address, &command, ASK).await {
                Ok(reply) => match reply.error() {
                    None => return Ok(()),
                    Some(error) => refused = error.to_string(),
                },
                Err(error) => refused = format!("{error:?}"),
            }
        }
        tokio::time::sleep(ASK).await;
    }
    bail!("no sentinel goes on from {node}: {refused}")
}

async fn master(group: &Group) -> Option<&str> {
    for node in &group.nodes {
        let role = ask(&node.address, &["ROLE"], ASK).await.ok();
        let kind = role.as_ref().and_then(|role| role.as_slice()?.first());
        if kind.and_then(|kind| kind.as_str()) == Some("master") {
            return Some(&node.name);
        }
    }
    None
}
