//! The check itself.

use super::wire::Wire;
use crate::units::unix_ms;
use holdfast_core::names::Address;
use holdfast_resp::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Pause before something that is not right yet is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// Time for one step to become right: a failover may be under way.
const STEP_WITHIN: Duration = Duration::from_secs(6);

/// Seconds after which what was written goes by itself, should the check end before it cleans up.
const LIVES_S: &str = "60";

/// What is checked, and how its servers are spoken to.
pub(super) struct Check {
    pub(super) group: String,
    pub(super) sentinel: Address,
    pub(super) primary: Option<Address>,
    pub(super) replica: Option<Address>,
    pub(super) sentinels: Wire,
    pub(super) nodes: Wire,
}

impl Check {
    /// Runs every step and says what was found; the first that fails ends it.
    pub(super) async fn run(&self) -> Result<(), String> {
        let key = format!("holdfast:smoke:{}:{}", std::process::id(), unix_ms());
        let primary = until(|| self.named()).await?;
        println!("the sentinel names {primary} as primary");
        until(|| self.write(&primary, &key, "by sentinel")).await?;
        println!("written there");
        for replica in until(|| self.replicas()).await? {
            until(|| self.reads(&replica, &key, "by sentinel")).await?;
            println!("read on the replica {replica}");
        }
        self.services(&primary, &key).await?;
        // It goes by itself within the minute.
        let _ = self.nodes.ask(&primary, &["DEL", &key]).await;
        Ok(())
    }

    async fn services(&self, primary: &Address, key: &str) -> Result<(), String> {
        if let Some(service) = &self.primary {
            until(|| self.write(service, key, "by service")).await?;
            until(|| self.reads(primary, key, "by service")).await?;
            println!("written through {service}");
        }
        if let Some(service) = &self.replica {
            let expected = if self.primary.is_some() {
                "by service"
            } else {
                "by sentinel"
            };
            until(|| self.reads(service, key, expected)).await?;
            until(|| self.is_replica(service)).await?;
            println!("read through {service}");
        }
        Ok(())
    }

    async fn named(&self) -> Result<Address, String> {
        let command = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", &self.group];
        let reply = self.sentinels.ask(&self.sentinel, &command).await?;
        let parts = reply.as_slice().unwrap_or_default();
        address(parts.first(), parts.get(1)).ok_or_else(|| {
            format!(
                "the sentinel at {} knows no primary of {}",
                self.sentinel, self.group
            )
        })
    }

    async fn replicas(&self) -> Result<Vec<Address>, String> {
        let command = ["SENTINEL", "REPLICAS", &self.group];
        let reply = self.sentinels.ask(&self.sentinel, &command).await?;
        let replicas = reply.as_slice().unwrap_or_default().iter();
        Ok(replicas
            .filter_map(|replica| address(field(replica, "ip"), field(replica, "port")))
            .collect())
    }

    async fn write(&self, at: &Address, key: &str, value: &str) -> Result<(), String> {
        self.nodes
            .ask(at, &["SET", key, value, "EX", LIVES_S])
            .await?;
        Ok(())
    }

    async fn reads(&self, at: &Address, key: &str, expected: &str) -> Result<(), String> {
        let reply = self.nodes.ask(at, &["GET", key]).await?;
        if reply.as_str() == Some(expected) {
            return Ok(());
        }
        Err(format!(
            "{at} does not have what was written on the primary"
        ))
    }

    async fn is_replica(&self, at: &Address) -> Result<(), String> {
        let reply = self.nodes.ask(at, &["ROLE"]).await?;
        match reply.as_slice().and_then(|parts| parts.first()?.as_str()) {
            Some("slave") => Ok(()),
            other => Err(format!(
                "{at} leads to a {}, not to a replica",
                other.unwrap_or("stranger")
            )),
        }
    }
}

fn field<'a>(flat: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = flat.as_slice()?;
    let at = fields
        .iter()
        .step_by(2)
        .position(|field| field.as_str() == Some(name))?;
    fields.get(at * 2 + 1)
}

fn address(host: Option<&Value>, port: Option<&Value>) -> Option<Address> {
    let port = port?
        .as_integer()
        .and_then(|port| u16::try_from(port).ok())?;
    Some(Address::new(host?.as_str()?, port))
}

/// Tries until it is right, or for as long as a step may take.
async fn until<T, F: Future<Output = Result<T, String>>>(
    step: impl Fn() -> F,
) -> Result<T, String> {
    let end = Instant::now() + STEP_WITHIN;
    loop {
        match step().await {
            Err(_) if Instant::now() < end => sleep(AGAIN).await,
            done => return done,
        }
    }
}
