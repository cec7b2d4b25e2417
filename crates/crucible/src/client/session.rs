//! A client that follows the primary.

use crate::client::connection::{CallError, Connection};
use crate::client::directory::Directory;
use crate::clock::{self, Micros};
use crate::history::Outcome;
use holdfast_resp::Value;
use std::time::Duration;
use tokio::sync::watch;

/// What became of one operation.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Just before it was sent.
    pub invoke: Micros,
    /// When the reply, or the knowledge that there is none, came.
    pub complete: Micros,
    /// Whether it happened.
    pub outcome: Outcome,
    /// Address of the server that it was sent to.
    pub node: String,
    /// The reply of an acknowledged operation.
    pub reply: Option<Value>,
}

/// How a session finds its server.
#[derive(Debug)]
enum Route {
    /// Ask the sentinels, and again when they announce a switch.
    Sentinels {
        directory: Directory,
        bell: watch::Receiver<u64>,
    },
    /// Always the same server: a client that hangs on, or lives beside it.
    Fixed(String),
}

/// A client session: at most one connection, one operation at a time.
#[derive(Debug)]
pub struct Session {
    route: Route,
    connection: Option<Connection>,
    limit: Duration,
    pause: Duration,
    /// The last attempt failed: another one waits first.
    failed: bool,
}

impl Session {
    /// A client that asks sentinels; operations and connects take at most `limit`.
    pub fn following(directory: Directory, bell: watch::Receiver<u64>, limit: Duration) -> Self {
        Self::new(
            Route::Sentinels { directory, bell },
            limit,
            Duration::from_millis(5),
        )
    }

    /// A client of one fixed server.
    pub fn fixed(address: &str, limit: Duration) -> Self {
        Self::new(
            Route::Fixed(address.to_owned()),
            limit,
            Duration::from_millis(10),
        )
    }

    fn new(route: Route, limit: Duration, pause: Duration) -> Self {
        Self {
            route,
            connection: None,
            limit,
            pause,
            failed: false,
        }
    }

    /// One attempt at `command`. `None`: there was no server to send it to, and a short pause has passed. A client whose
    /// connection ends looks for the primary at once, as client libraries do; it pauses when that fails as well.
    pub async fn attempt<A: AsRef<[u8]>>(&mut self, command: &[A]) -> Option<Answer> {
        let Some(mut connection) = self.connect().await else {
            tokio::time::sleep(self.pause).await;
            return None;
        };
        let node = connection.address().to_owned();
        let invoke = clock::now();
        let result = self.call_unless_moved(&mut connection, command).await;
        let complete = clock::now();
        let (outcome, reply) = judge(result);
        let again = std::mem::replace(&mut self.failed, outcome != Outcome::Ok);
        if outcome == Outcome::Ok || self.keeps(&outcome) {
            self.connection = Some(connection);
        } else {
            drop(connection);
            self.give_up_on_server();
            if again {
                tokio::time::sleep(self.pause).await;
            }
        }
        Some(Answer {
            invoke,
            complete,
            outcome,
            node,
            reply,
        })
    }

    /// A client of one fixed server has nowhere else to go when it is refused.
    fn keeps(&self, outcome: &Outcome) -> bool {
        matches!((&self.route, outcome), (Route::Fixed(_), Outcome::Fail(_)))
    }

    async fn connect(&mut self) -> Option<Connection> {
        if let Some(connection) = self.connection.take() {
            return Some(connection);
        }
        match &mut self.route {
            Route::Fixed(address) => Connection::open(address, self.limit).await.ok(),
            Route::Sentinels { directory, .. } => {
                let address = directory.locate().await?;
                let connection = open_primary(&address, self.limit).await;
                if connection.is_none() {
                    directory.distrust();
                }
                connection
            }
        }
    }

    async fn call_unless_moved<A: AsRef<[u8]>>(
        &mut self,
        connection: &mut Connection,
        command: &[A],
    ) -> Result<Value, CallError> {
        let address = connection.address().to_owned();
        let call = connection.call(command, self.limit);
        match &mut self.route {
            Route::Fixed(_) => call.await,
            Route::Sentinels { directory, bell } => tokio::select! {
                biased;
                result = call => result,
                () = moved(directory, bell, &address) => Err(CallError::Unknown("the primary moved".to_owned())),
            },
        }
    }

    fn give_up_on_server(&mut self) {
        if let Route::Sentinels { directory, .. } = &mut self.route {
            directory.distrust();
        }
    }

    /// Drops the connection when an announced switch moved the primary elsewhere; for clients between operations.
    pub async fn heed_announcements(&mut self) {
        let Route::Sentinels { directory, bell } = &mut self.route else {
            return;
        };
        let Some(connection) = &self.connection else {
            return;
        };
        if !bell.has_changed().unwrap_or(false) {
            return;
        }
        bell.mark_unchanged();
        if directory
            .locate()
            .await
            .is_some_and(|address| address != connection.address())
        {
            self.connection = None;
        }
    }
}

/// Resolves once the sentinels name another primary than `address`.
async fn moved(directory: &mut Directory, bell: &mut watch::Receiver<u64>, address: &str) {
    loop {
        if bell.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        if directory.locate().await.is_some_and(|now| now != address) {
            return;
        }
    }
}

/// Connects and checks `ROLE`, as careful clients do.
async fn open_primary(address: &str, limit: Duration) -> Option<Connection> {
    let mut connection = Connection::open(address, limit).await.ok()?;
    let role = connection.call(&["ROLE"], limit).await.ok()?;
    let is_master = role.as_slice()?.first()?.as_str() == Some("master");
    is_master.then_some(connection)
}

/// An error reply says that nothing was done; a missing reply says nothing.
fn judge(result: Result<Value, CallError>) -> (Outcome, Option<Value>) {
    match result {
        Ok(reply) => match reply.error() {
            Some(text) => (Outcome::Fail(text.into_owned()), None),
            None => (Outcome::Ok, Some(reply)),
        },
        Err(CallError::NotSent(why)) => (Outcome::Fail(why), None),
        Err(CallError::Unknown(why)) => (Outcome::Info(why), None),
    }
}
