//! What a group says is wrong with it. No evidence of what it did; but a group that waits for a person has to say so.

use crate::client::connection::ask;
use crate::target::Group;
use std::time::Duration;

const ASK: Duration = Duration::from_secs(1);

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
