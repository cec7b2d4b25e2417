//! A client that follows the primary.

use crate::client::connection::{CallError, Connection, Replies};
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
    /// Sent on every new connection before anything else.
    opening: Vec<Vec<String>>,
    /// How many connections there were so far.
    opened: u64,
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
            opening: vec![],
            opened: 0,
        }
    }

    /// The same client, which sends `commands` first on each of its connections.
    #[must_use]
    pub fn opening(mut self, commands: &[&[&str]]) -> Self {
        let owned = |command: &&[&str]| command.iter().map(|word| (*word).to_owned()).collect();
        self.opening = commands.iter().map(owned).collect();
        self
    }

    /// Number of the present connection: what belonged to another one is gone.
    pub fn connection_number(&self) -> u64 {
        self.opened
    }

    /// Messages beside replies (RESP3) that came on the present connection.
    pub fn take_pushes(&mut self) -> Vec<Value> {
        self.connection
            .as_mut()
            .map(Connection::take_pushes)
            .unwrap_or_default()
    }

    /// One attempt at `command`. `None`: there was no server to send it to, and a short pause has passed. A client whose
    /// connection ends looks for the primary at once, as client libraries do; it pauses when that fails as well.
    pub async fn attempt<A: AsRef<[u8]>>(&mut self, command: &[A]) -> Option<Answer> {
        self.exchange(&[command]).await?.pop()
    }

    /// One attempt at several commands sent together: an answer for each. `None` as in [`Session::attempt`].
    pub async fn exchange<A: AsRef<[u8]>>(&mut self, commands: &[&[A]]) -> Option<Vec<Answer>> {
        let Some(connection) = self.connect().await else {
            tokio::time::sleep(self.pause).await;
            return None;
        };
        Some(self.exchange_on(connection, commands).await)
    }

    /// As [`Session::exchange`], but only on the connection of the attempt before: what was watched there is watched still.
    pub async fn exchange_on_same<A: AsRef<[u8]>>(
        &mut self,
        commands: &[&[A]],
    ) -> Option<Vec<Answer>> {
        let connection = self.connection.take()?;
        Some(self.exchange_on(connection, commands).await)
    }

    async fn exchange_on<A: AsRef<[u8]>>(
        &mut self,
        mut connection: Connection,
        commands: &[&[A]],
    ) -> Vec<Answer> {
        let node = connection.address().to_owned();
        let invoke = clock::now();
        let mut replies = Replies::default();
        self.exchange_unless_moved(&mut connection, commands, &mut replies)
            .await;
        let answers = answers(replies, commands.len(), invoke, &node);
        // Silence is worse than a refusal: the connection cannot be used any more.
        let bad = answers.iter().map(|answer| &answer.outcome);
        let worst = bad
            .filter(|outcome| **outcome != Outcome::Ok)
            .max_by_key(|outcome| matches!(outcome, Outcome::Info(_)));
        self.keep_or_drop(connection, worst).await;
        answers
    }

    async fn keep_or_drop(&mut self, connection: Connection, worst: Option<&Outcome>) {
        let again = std::mem::replace(&mut self.failed, worst.is_some());
        if worst.is_none_or(|outcome| self.keeps(outcome)) {
            self.connection = Some(connection);
            return;
        }
        drop(connection);
        self.give_up_on_server();
        if again {
            tokio::time::sleep(self.pause).await;
        }
    }

    /// A client of one fixed server has nowhere else to go when it is refused.
    fn keeps(&self, outcome: &Outcome) -> bool {
        matches!((&self.route, outcome), (Route::Fixed(_), Outcome::Fail(_)))
    }

    async fn connect(&mut self) -> Option<Connection> {
        if let Some(connection) = self.connection.take() {
            return Some(connection);
        }
        let mut connection = self.dial().await?;
        for command in &self.opening {
            let reply = connection.call(command, self.limit).await.ok()?;
            if reply.error().is_some() {
                return None;
            }
        }
        self.opened += 1;
        Some(connection)
    }

    async fn dial(&mut self) -> Option<Connection> {
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

    async fn exchange_unless_moved<A: AsRef<[u8]>>(
        &mut self,
        connection: &mut Connection,
        commands: &[&[A]],
        replies: &mut Replies,
    ) {
        let address = connection.address().to_owned();
        let moved = match &mut self.route {
            Route::Fixed(_) => {
                connection.exchange(commands, self.limit, replies).await;
                false
            }
            Route::Sentinels { directory, bell } => tokio::select! {
                biased;
                () = connection.exchange(commands, self.limit, replies) => false,
                () = moved(directory, bell, &address) => true,
            },
        };
        if moved {
            replies.broken = Some(CallError::Unknown("the primary moved".to_owned()));
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

/// One answer per command: those that came, then the reason for the missing ones.
fn answers(replies: Replies, commands: usize, invoke: Micros, node: &str) -> Vec<Answer> {
    let now = clock::now();
    let missing = replies
        .broken
        .unwrap_or_else(|| CallError::Unknown("no reply".to_owned()));
    let came = replies.came.into_iter().map(|(reply, at)| (Ok(reply), at));
    came.chain(std::iter::repeat_with(|| (Err(missing.clone()), now)))
        .take(commands)
        .map(|(result, complete)| {
            let (outcome, reply) = judge(result);
            Answer {
                invoke,
                complete,
                outcome,
                node: node.to_owned(),
                reply,
            }
        })
        .collect()
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
