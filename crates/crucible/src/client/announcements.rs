//! `+switch-master` of every sentinel: how real clients learn fast, and the list of reigns for the watcher.

use crate::client::connection::{CallError, Connection};
use crate::clock::{self, Micros};
use holdfast_resp::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One `+switch-master` as one sentinel told it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Switch {
    /// When it was heard.
    pub at: Micros,
    /// Index of the sentinel.
    pub sentinel: usize,
    /// Address before.
    pub old: String,
    /// Address after.
    pub new: String,
}

/// At most this many are kept: a storm of handoffs is far below.
const KEPT: usize = 10_000;

/// Subscriptions to every sentinel, reconnected when they break.
#[derive(Debug)]
pub struct Announcements {
    heard: Arc<Mutex<Vec<Switch>>>,
    newest: watch::Receiver<u64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Announcements {
    /// Subscribes to all `sentinels` on the present runtime.
    pub fn listen(sentinels: &[String], group: &str) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (bell, newest) = watch::channel(0);
        let bell = Arc::new(bell);
        let start = |(index, address): (usize, &String)| {
            let listener = Listener {
                sentinel: index,
                address: address.clone(),
                group: group.to_owned(),
                heard: heard.clone(),
                bell: bell.clone(),
            };
            tokio::spawn(listener.run())
        };
        let tasks = sentinels.iter().enumerate().map(start).collect();
        Self {
            heard,
            newest,
            tasks,
        }
    }

    /// Rings at every announcement.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.newest.clone()
    }

    /// All announcements so far, in the order heard.
    pub fn heard(&self) -> Vec<Switch> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Announcements {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

struct Listener {
    sentinel: usize,
    address: String,
    group: String,
    heard: Arc<Mutex<Vec<Switch>>>,
    bell: Arc<watch::Sender<u64>>,
}

impl Listener {
    async fn run(self) {
        loop {
            // A broken subscription is the normal end: sentinels are killed in drills.
            let _ = self.subscribe().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn subscribe(&self) -> Result<(), CallError> {
        let limit = Duration::from_millis(500);
        let mut connection = Connection::open(&self.address, limit).await?;
        connection
            .call(&["SUBSCRIBE", "+switch-master"], limit)
            .await?;
        loop {
            let message = connection.read().await?;
            self.take(&message);
        }
    }

    fn take(&self, message: &Value) {
        let Some([_, _, payload]) = message.as_slice() else {
            return;
        };
        let words: Vec<&str> = payload.as_str().unwrap_or_default().split(' ').collect();
        let [group, old_host, old_port, new_host, new_port] = words[..] else {
            return;
        };
        if group != self.group {
            return;
        }
        let old = format!("{old_host}:{old_port}");
        let new = format!("{new_host}:{new_port}");
        let switch = Switch {
            at: clock::now(),
            sentinel: self.sentinel,
            old,
            new,
        };
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() < KEPT {
            heard.push(switch);
        }
        drop(heard);
        self.bell.send_modify(|count| *count += 1);
    }
}
