//! Who reigned in which epoch, by asking every sentinel all the time: announcements of a sentinel that is killed are lost, epochs
//! are not.

use crate::client::connection::{CallError, Connection};
use crate::clock::{self, Micros};
use holdfast_resp::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// An epoch and the primary that a sentinel named with it, when first seen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sighting {
    /// When it was first seen.
    pub at: Micros,
    /// The group's config epoch.
    pub epoch: u64,
    /// The primary's address.
    pub address: String,
}

const PERIOD: Duration = Duration::from_millis(40);
const LIMIT: Duration = Duration::from_millis(300);
/// At most this many are kept.
const KEPT: usize = 10_000;

/// Observers of every sentinel; they end when dropped.
#[derive(Debug)]
pub struct Chronicle {
    seen: Arc<Mutex<Vec<Sighting>>>,
    observers: Vec<JoinHandle<()>>,
}

impl Chronicle {
    /// Begins to ask all `sentinels` about `group` on the present runtime.
    pub fn begin(sentinels: &[String], group: &str) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let observe = |address: &String| {
            tokio::spawn(observe(address.clone(), group.to_owned(), seen.clone()))
        };
        let observers = sentinels.iter().map(observe).collect();
        Self { seen, observers }
    }

    /// Everything seen, by epoch, then by time.
    pub fn seen(&self) -> Vec<Sighting> {
        let mut seen = self
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        seen.sort_by_key(|sighting| (sighting.epoch, sighting.at));
        seen
    }
}

impl Drop for Chronicle {
    fn drop(&mut self) {
        self.observers.iter().for_each(JoinHandle::abort);
    }
}

async fn observe(address: String, group: String, seen: Arc<Mutex<Vec<Sighting>>>) {
    loop {
        // It breaks whenever the sentinel is killed or frozen; the others go on.
        let _ = observe_connected(&address, &group, &seen).await;
        tokio::time::sleep(PERIOD).await;
    }
}

async fn observe_connected(
    address: &str,
    group: &str,
    seen: &Mutex<Vec<Sighting>>,
) -> Result<(), CallError> {
    let mut connection = Connection::open(address, LIMIT).await?;
    loop {
        let reply = connection
            .call(&["SENTINEL", "MASTER", group], LIMIT)
            .await?;
        if let Some((epoch, address)) = read(&reply) {
            note(
                &mut seen.lock().unwrap_or_else(PoisonError::into_inner),
                epoch,
                address,
            );
        }
        tokio::time::sleep(PERIOD).await;
    }
}

fn note(seen: &mut Vec<Sighting>, epoch: u64, address: String) {
    let known = seen
        .iter()
        .any(|sighting| sighting.epoch == epoch && sighting.address == address);
    if !known && seen.len() < KEPT {
        seen.push(Sighting {
            at: clock::now(),
            epoch,
            address,
        });
    }
}

/// Epoch and address from a reply to `SENTINEL MASTER`.
fn read(reply: &Value) -> Option<(u64, String)> {
    let words: Vec<&str> = reply.as_slice()?.iter().filter_map(Value::as_str).collect();
    let field = |name: &str| {
        words
            .iter()
            .position(|word| *word == name)
            .and_then(|at| words.get(at + 1).copied())
    };
    Some((
        field("config-epoch")?.parse().ok()?,
        format!("{}:{}", field("ip")?, field("port")?),
    ))
}
