//! Asks sentinels: the few commands that `up`, `status`, `failover` and `doctor` need.

use crate::connection::Connection;
use holdfast_core::names::Address;
use holdfast_core::status::GroupStatus;
use holdfast_resp::Value;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// A handoff waits for the new primary to catch up.
const HANDOFF_WITHIN: Duration = Duration::from_secs(40);

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No connection: the question was not heard.
    #[error("cannot connect to the sentinel at {0}: {1}")]
    Unreachable(Address, String),
    /// It was heard, perhaps, but not answered.
    #[error("the sentinel at {0} does not answer: {1}")]
    NoAnswer(Address, String),
    /// The answer was an error of the server.
    #[error("{1} (says the sentinel at {0})")]
    Refused(Address, String),
    /// The answer was not what the question asks for.
    #[error("the sentinel at {0} gave an answer that makes no sense here: {1}")]
    Strange(Address, String),
    /// No sentinel is known to ask.
    #[error("no sentinel is known: name one with --sentinel HOST:PORT")]
    NobodyToAsk,
}

/// What a handoff did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Handoff {
    /// The primary before.
    pub from: Option<String>,
    /// The primary after.
    pub to: Option<String>,
    /// How long writes paused, in milliseconds.
    pub pause_ms: Option<f64>,
    /// The new epoch.
    pub epoch: u64,
    /// All of it in one sentence.
    pub text: String,
}

/// The sentinels of one group.
#[derive(Clone, Debug)]
pub struct SentinelClient {
    addresses: Vec<Address>,
    group: Option<String>,
    password: Option<String>,
}

impl SentinelClient {
    /// Asks these sentinels, in this order; `group` may be left out where they serve only one.
    pub fn new(addresses: Vec<Address>, group: Option<String>) -> Self {
        Self {
            addresses,
            group,
            password: None,
        }
    }

    /// Gives this password first.
    #[must_use]
    pub fn with_password(mut self, password: Option<String>) -> Self {
        self.password = password;
        self
    }

    /// Asks for this group.
    #[must_use]
    pub fn with_group(mut self, group: String) -> Self {
        self.group = Some(group);
        self
    }

    /// The same questions to other sentinels.
    #[must_use]
    pub fn at(&self, addresses: Vec<Address>) -> Self {
        Self {
            addresses,
            ..self.clone()
        }
    }

    /// The sentinels that are asked.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The group as the first sentinel that answers sees it.
    ///
    /// # Errors
    /// When none answers: the error of the last one.
    pub async fn status(&self) -> Result<GroupStatus, AskError> {
        let mut last = AskError::NobodyToAsk;
        for address in &self.addresses {
            match self.status_of(address).await {
                Ok(status) => return Ok(status),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The group as one sentinel sees it.
    ///
    /// # Errors
    /// When it does not answer, or with an error.
    pub async fn status_of(&self, address: &Address) -> Result<GroupStatus, AskError> {
        let text = self
            .ask(address, self.command("STATUS", &[]), ANSWER_WITHIN)
            .await?;
        let answer = serde_json::from_str(&text)
            .map_err(|error| AskError::Strange(address.clone(), error.to_string()))?;
        only(answer).map_err(|text| AskError::Refused(address.clone(), text))
    }

    /// A handoff, or a failover where the primary is down, through the first sentinel that answers.
    ///
    /// # Errors
    /// What the sentinel refused, or that none answers.
    pub async fn failover(&self, to: Option<&str>) -> Result<Handoff, AskError> {
        self.handoff(&to.into_iter().collect::<Vec<_>>()).await
    }

    /// A handoff to this node, also where its redis-server is older than the primary's.
    ///
    /// # Errors
    /// What the sentinel refused, or that none answers.
    pub async fn downgrade(&self, to: &str) -> Result<Handoff, AskError> {
        self.handoff(&[to, "ALLOW-DOWNGRADE"]).await
    }

    async fn handoff(&self, rest: &[&str]) -> Result<Handoff, AskError> {
        let (address, text) = self.order("FAILOVER", rest).await?;
        serde_json::from_str(&text)
            .map_err(|error| AskError::Strange(address.clone(), error.to_string()))
    }

    /// A person's word that `node` goes on from its own data, whatever only others hold. Says what was done.
    ///
    /// # Errors
    /// What the sentinel refused, or that none answers.
    pub async fn force(&self, node: &str) -> Result<String, AskError> {
        self.sentence("FORCE", node).await
    }

    /// A person's word that `node`, which is gone, is not waited for any more. Says what was done.
    ///
    /// # Errors
    /// What the sentinel refused, or that none answers.
    pub async fn forget(&self, node: &str) -> Result<String, AskError> {
        self.sentence("FORGET", node).await
    }

    /// Gives an order; what was done, in a sentence. A sentinel of another version may answer with that alone.
    async fn sentence(&self, word: &str, node: &str) -> Result<String, AskError> {
        let (_, said) = self.order(word, &[node]).await?;
        let answer: Option<serde_json::Value> = serde_json::from_str(&said).ok();
        let text = answer.as_ref().and_then(|answer| answer["text"].as_str());
        Ok(text.map_or_else(|| said.clone(), str::to_owned))
    }

    /// Gives an order to the first sentinel that hears it; which, and what it said.
    async fn order(&self, word: &str, rest: &[&str]) -> Result<(&Address, String), AskError> {
        let mut failed = AskError::NobodyToAsk;
        for address in &self.addresses {
            match self.order_at(address, word, rest).await {
                // Only one that never heard the order may be skipped: it must not be given twice.
                Err(error @ AskError::Unreachable(..)) => failed = error,
                heard => return Ok((address, heard?)),
            }
        }
        Err(failed)
    }

    /// Gives an order to one sentinel: for the group that was named, else for the only one that it serves.
    async fn order_at(
        &self,
        address: &Address,
        word: &str,
        rest: &[&str],
    ) -> Result<String, AskError> {
        let group = match &self.group {
            Some(group) => group.clone(),
            None => self.status_of(address).await?.group,
        };
        let named = self.clone().with_group(group);
        named
            .ask(address, named.command(word, rest), HANDOFF_WITHIN)
            .await
    }

    /// Where the primary is, as any client asks it.
    ///
    /// # Errors
    /// When no sentinel names one.
    pub async fn primary(&self) -> Result<Address, AskError> {
        let group = self
            .group
            .clone()
            .unwrap_or_else(|| crate::spec::DEFAULT_GROUP.to_owned());
        let mut last = AskError::NobodyToAsk;
        for address in &self.addresses {
            let command = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", &group]
                .map(str::to_owned)
                .to_vec();
            match self.call(address, &command, ANSWER_WITHIN).await {
                Ok(reply) => match named(&reply) {
                    Some(primary) => return Ok(primary),
                    None => {
                        last = AskError::Strange(address.clone(), format!("no primary of {group}"));
                    }
                },
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn command(&self, word: &str, rest: &[&str]) -> Vec<String> {
        ["HOLDFAST", word]
            .into_iter()
            .chain(self.group.as_deref())
            .chain(rest.iter().copied())
            .map(str::to_owned)
            .collect()
    }

    async fn ask(
        &self,
        address: &Address,
        command: Vec<String>,
        within: Duration,
    ) -> Result<String, AskError> {
        let reply = self.call(address, &command, within).await?;
        reply
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| AskError::Strange(address.clone(), format!("{reply:?}")))
    }

    async fn call(
        &self,
        address: &Address,
        command: &[String],
        within: Duration,
    ) -> Result<Value, AskError> {
        let unreachable =
            |error: std::io::Error| AskError::Unreachable(address.clone(), error.to_string());
        let mut connection = Connection::open(address).await.map_err(unreachable)?;
        let asked = self.exchange(&mut connection, command);
        let reply = tokio::time::timeout(within, asked)
            .await
            .map_err(|_| {
                AskError::NoAnswer(
                    address.clone(),
                    format!("nothing within {} s", within.as_secs()),
                )
            })?
            .map_err(|error| AskError::NoAnswer(address.clone(), error.to_string()))?;
        match reply.error() {
            Some(text) => Err(AskError::Refused(address.clone(), plain(&text))),
            None => Ok(reply),
        }
    }

    async fn exchange(
        &self,
        connection: &mut Connection,
        command: &[String],
    ) -> std::io::Result<Value> {
        if let Some(password) = &self.password {
            let answer = connection.call(&["AUTH", password]).await?;
            if answer.error().is_some() {
                return Ok(answer);
            }
        }
        connection.call(command).await
    }
}

/// The answer for one group, or for all where none was named.
#[derive(Deserialize)]
#[serde(untagged)]
enum Statuses {
    All(Vec<GroupStatus>),
    One(Box<GroupStatus>),
}

/// The only group, where none was named.
fn only(answer: Statuses) -> Result<GroupStatus, String> {
    let mut all = match answer {
        Statuses::One(status) => return Ok(*status),
        Statuses::All(all) => all,
    };
    match (all.pop(), all.is_empty()) {
        (Some(status), true) => Ok(status),
        (None, _) => Err("it serves no group".to_owned()),
        (Some(last), false) => {
            let names = all
                .iter()
                .chain([&last])
                .map(|status| status.group.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            Err(format!(
                "it serves several groups, name one with --group: {names}"
            ))
        }
    }
}

/// The sentence of an error reply, without the code that programs look at.
fn plain(text: &str) -> String {
    text.strip_prefix("ERR ").unwrap_or(text).to_owned()
}

fn named(reply: &Value) -> Option<Address> {
    match reply.as_slice()? {
        [host, port] => Some(Address::new(
            host.as_str()?,
            u16::try_from(port.as_integer()?).ok()?,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let answer = serde_json::from_str(text).map_err(|error| error.to_string())?;
        only(answer).map(|status| status.group)
    }

    #[test]
    fn a_group_need_not_be_named_where_there_is_one() {
        assert_eq!(read(r#"{"group": "one"}"#), Ok("one".to_owned()));
        assert_eq!(read(r#"[{"group": "one"}]"#), Ok("one".to_owned()));
        assert!(read("[]").is_err());
        let several = read(r#"[{"group": "one"}, {"group": "two"}]"#);
        assert!(several.is_err_and(|text| text.ends_with("one, two")));
    }
}
