//! What survived, read back from one server: the primary that the sentinels name, or a copy.

use crate::check::keys::Keys;
use crate::check::reader::Reader;
use crate::history::History;
use crate::workload::names;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};

/// The data found after a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survived {
    /// Value of each unique key, by (client, sequence); absent keys are absent here.
    pub sets: BTreeMap<(u16, u64), String>,
    /// Content of each client's list.
    pub lists: BTreeMap<u16, Vec<String>>,
    /// The counter; 0 when absent.
    pub counter: i64,
    /// The register that is only compared and set; empty when absent.
    pub register: String,
    /// Members of the set.
    pub members: BTreeSet<String>,
    /// Content of each shared list.
    pub appended: BTreeMap<String, Vec<String>>,
    /// Content of each named register; empty when absent.
    pub registers: BTreeMap<String, String>,
    /// What each account holds; 0 when absent.
    pub accounts: Vec<i64>,
    /// Entries of the ledger.
    pub ledger: Vec<String>,
    /// Marks in the queue.
    pub queue: Vec<String>,
    /// Marks that each client has taken and not yet removed.
    pub taken: BTreeMap<u16, Vec<String>>,
}

impl Survived {
    /// Reads everything that `history` can have written, from the server at `address`.
    pub async fn read(address: &str, history: &History) -> Result<Self> {
        let (mut reader, keys) = (Reader::open(address).await?, Keys::of(history));
        let tag = history.tag.as_str();
        let counter = reader.get(&names::counter_key(tag)).await?;
        let accounts = reader.get_all(&keys.accounts()).await?;
        let mut survived = Self {
            sets: sets(&mut reader, &keys).await?,
            counter: number(counter),
            register: reader
                .get(&names::register_key(tag))
                .await?
                .unwrap_or_default(),
            members: reader
                .members(&names::members_key(tag))
                .await?
                .into_iter()
                .collect(),
            accounts: accounts.into_iter().map(number).collect(),
            ..Self::default()
        };
        survived.read_lists(&mut reader, &keys, tag).await?;
        let names: Vec<String> = keys
            .registers
            .iter()
            .map(|name| names::named_register_key(tag, name))
            .collect();
        let found = reader
            .get_all(&names)
            .await?
            .into_iter()
            .map(Option::unwrap_or_default);
        survived.registers = keys.registers.into_iter().zip(found).collect();
        Ok(survived)
    }

    async fn read_lists(&mut self, reader: &mut Reader, keys: &Keys, tag: &str) -> Result<()> {
        let own: Vec<String> = keys
            .lists
            .iter()
            .map(|client| names::list_key(tag, *client))
            .collect();
        let shared: Vec<String> = keys
            .appended
            .iter()
            .map(|list| names::shared_list_key(tag, list))
            .collect();
        let taken: Vec<String> = keys
            .takers
            .iter()
            .map(|client| names::taken_key(tag, *client))
            .collect();
        let whole = [names::ledger_key(tag), names::queue_key(tag)];
        self.lists = keys
            .lists
            .iter()
            .copied()
            .zip(reader.lists(&own).await?)
            .collect();
        self.appended = keys
            .appended
            .iter()
            .cloned()
            .zip(reader.lists(&shared).await?)
            .collect();
        self.taken = keys
            .takers
            .iter()
            .copied()
            .zip(reader.lists(&taken).await?)
            .collect();
        let mut whole = reader.lists(&whole).await?.into_iter();
        self.ledger = whole.next().unwrap_or_default();
        self.queue = whole.next().unwrap_or_default();
        Ok(())
    }

    /// Deletes the keys of the round, so that the next round's data set is as small.
    pub async fn forget(address: &str, history: &History) -> Result<()> {
        let names = Keys::of(history).names();
        Reader::open(address).await?.unlink(&names).await
    }
}

async fn sets(reader: &mut Reader, keys: &Keys) -> Result<BTreeMap<(u16, u64), String>> {
    let found = reader.get_all(&keys.set_names(&keys.sets)).await?;
    let pairs = keys.sets.iter().copied().zip(found);
    Ok(pairs.filter_map(|(id, value)| Some((id, value?))).collect())
}

fn number(text: Option<String>) -> i64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}
