//! Reading a lot of data back from one server, a batch at a time: keeps replies small and other clients served.

use crate::client::{CallError, Connection};
use anyhow::{Result, anyhow};
use holdfast_resp::Value;
use std::time::Duration;

/// Keys of one request.
const BATCH: usize = 500;
/// Longest time of one request.
const LIMIT: Duration = Duration::from_secs(20);

/// A connection for reading back.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Connects to the server at `address`.
    pub async fn open(address: &str) -> Result<Self> {
        let connection = Connection::open(address, LIMIT).await;
        Ok(Self {
            connection: connection.map_err(|error| reading(&error))?,
        })
    }

    /// The value of one key, if it is there.
    pub async fn get(&mut self, key: &str) -> Result<Option<String>> {
        Ok(self.get_all(&[key.to_owned()]).await?.pop().flatten())
    }

    /// The values of many keys, in order.
    pub async fn get_all(&mut self, keys: &[String]) -> Result<Vec<Option<String>>> {
        let mut found = Vec::with_capacity(keys.len());
        for batch in keys.chunks(BATCH) {
            let reply = self.call("MGET", batch).await?;
            let values = reply
                .as_slice()
                .ok_or_else(|| anyhow!("MGET answered {reply:?}"))?;
            found.extend(values.iter().map(|value| value.as_str().map(str::to_owned)));
        }
        Ok(found)
    }

    /// All items of many lists, in order.
    pub async fn lists(&mut self, keys: &[String]) -> Result<Vec<Vec<String>>> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let reply = self.call("LRANGE", &[key.as_str(), "0", "-1"]).await?;
            found.push(texts(&reply));
        }
        Ok(found)
    }

    /// All members of a set.
    pub async fn members(&mut self, key: &str) -> Result<Vec<String>> {
        Ok(texts(&self.call("SMEMBERS", &[key]).await?))
    }

    /// Deletes many keys.
    pub async fn unlink(&mut self, keys: &[String]) -> Result<()> {
        for batch in keys.chunks(BATCH) {
            self.call("UNLINK", batch).await?;
        }
        Ok(())
    }

    async fn call<A: AsRef<str>>(&mut self, name: &str, arguments: &[A]) -> Result<Value> {
        let mut command = vec![name];
        command.extend(arguments.iter().map(AsRef::as_ref));
        let reply = self.connection.call(&command, LIMIT).await;
        let reply = reply.map_err(|error| reading(&error))?;
        match reply.error() {
            Some(error) => Err(anyhow!("read back the data: {name}: {error}")),
            None => Ok(reply),
        }
    }
}

fn texts(reply: &Value) -> Vec<String> {
    let items = reply.as_slice().unwrap_or_default().iter();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn reading(error: &CallError) -> anyhow::Error {
    anyhow!("read back the data: {error:?}")
}
