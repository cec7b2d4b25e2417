//! Reading back what survived, from the primary that the sentinels name.

use crate::client::{CallError, Connection};
use crate::history::{Action, History, Operation};
use crate::workload::names;
use anyhow::{Result, anyhow};
use holdfast_resp::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Keys of one request: keeps replies small and other clients served.
const BATCH: usize = 500;
const LIMIT: Duration = Duration::from_secs(20);

/// The data found after a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survived {
    /// Value of each unique key, by (client, sequence); absent keys are absent here.
    pub sets: BTreeMap<(u16, u64), String>,
    /// Content of each client's list.
    pub lists: BTreeMap<u16, Vec<String>>,
    /// The counter; 0 when absent.
    pub counter: i64,
    /// The register; empty when absent.
    pub register: String,
}

impl Survived {
    /// Reads everything that `history` can have written, from the server at `address`.
    pub async fn read(address: &str, history: &History) -> Result<Self> {
        let mut connection = Connection::open(address, LIMIT)
            .await
            .map_err(|error| reading(&error))?;
        let tag = &history.tag;
        let counter = connection
            .call(&["GET", &names::counter_key(tag)], LIMIT)
            .await
            .map_err(|error| reading(&error))?;
        let register = connection
            .call(&["GET", &names::register_key(tag)], LIMIT)
            .await
            .map_err(|error| reading(&error))?;
        Ok(Self {
            sets: read_sets(&mut connection, history).await?,
            lists: read_lists(&mut connection, history).await?,
            counter: counter.as_integer().unwrap_or(0),
            register: register.as_str().unwrap_or_default().to_owned(),
        })
    }

    /// Deletes the keys of the round, so that the next round's data set is as small.
    pub async fn forget(address: &str, history: &History) -> Result<()> {
        let mut connection = Connection::open(address, LIMIT)
            .await
            .map_err(|error| reading(&error))?;
        let mut keys: Vec<String> = set_ids(history)
            .map(|(client, sequence)| names::set_key(&history.tag, client, sequence))
            .collect();
        keys.extend(
            list_clients(history)
                .into_iter()
                .map(|client| names::list_key(&history.tag, client)),
        );
        keys.extend([
            names::counter_key(&history.tag),
            names::register_key(&history.tag),
        ]);
        for batch in keys.chunks(BATCH) {
            let mut command = vec!["UNLINK"];
            command.extend(batch.iter().map(String::as_str));
            connection
                .call(&command, LIMIT)
                .await
                .map_err(|error| reading(&error))?;
        }
        Ok(())
    }
}

fn reading(error: &CallError) -> anyhow::Error {
    anyhow!("read back the data: {error:?}")
}

fn writes_a_key(operation: &Operation) -> bool {
    matches!(operation.action, Action::Set | Action::Direct)
}

fn set_ids(history: &History) -> impl Iterator<Item = (u16, u64)> + '_ {
    let sets = history
        .operations
        .iter()
        .filter(|operation| writes_a_key(operation));
    sets.map(|operation| (operation.client, operation.sequence))
}

fn list_clients(history: &History) -> BTreeSet<u16> {
    let pushes = history
        .operations
        .iter()
        .filter(|operation| operation.action == Action::Push);
    pushes.map(|operation| operation.client).collect()
}

async fn read_sets(
    connection: &mut Connection,
    history: &History,
) -> Result<BTreeMap<(u16, u64), String>> {
    let ids: Vec<_> = set_ids(history).collect();
    let mut found = BTreeMap::new();
    for batch in ids.chunks(BATCH) {
        let mut command = vec!["MGET".to_owned()];
        command.extend(
            batch
                .iter()
                .map(|(client, sequence)| names::set_key(&history.tag, *client, *sequence)),
        );
        let reply = connection
            .call(&command, LIMIT)
            .await
            .map_err(|error| reading(&error))?;
        let values = reply
            .as_slice()
            .ok_or_else(|| anyhow!("MGET answered {reply:?}"))?;
        let present = batch
            .iter()
            .zip(values)
            .filter_map(|(id, value)| Some((*id, value.as_str()?.to_owned())));
        found.extend(present);
    }
    Ok(found)
}

async fn read_lists(
    connection: &mut Connection,
    history: &History,
) -> Result<BTreeMap<u16, Vec<String>>> {
    let mut lists = BTreeMap::new();
    for client in list_clients(history) {
        let key = names::list_key(&history.tag, client);
        let reply = connection
            .call(&["LRANGE", &key, "0", "-1"], LIMIT)
            .await
            .map_err(|error| reading(&error))?;
        let items = reply.as_slice().unwrap_or_default().iter();
        lists.insert(
            client,
            items.filter_map(Value::as_str).map(str::to_owned).collect(),
        );
    }
    Ok(lists)
}
