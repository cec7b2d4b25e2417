//! What an agent orders its server to do. Each is one round trip.

use super::batch::Batch;
use super::{Info, Link, LinkError, Replication, info};
use crate::server::{DEAD_HOST, DEAD_PORT, FENCE};
use holdfast_core::names::Address;

/// A command without its dynamic parts.
type Command<'a> = &'a [&'a str];

const UNPAUSE: Command<'_> = &["CLIENT", "UNPAUSE"];
const KILL_NORMAL: Command<'_> = &["CLIENT", "KILL", "TYPE", "normal"];
const KILL_PUBSUB: Command<'_> = &["CLIENT", "KILL", "TYPE", "pubsub"];

impl Link {
    /// All that is known of the server. About 4 KB; a few times a second at most.
    pub async fn info(&mut self) -> Result<Info, LinkError> {
        let mut batch = Batch::default();
        info::ask_all(&mut batch);
        Ok(Info::read(&self.call(batch).await?))
    }

    /// Its part in replication only: cheap enough for every heartbeat.
    pub async fn replication(&mut self) -> Result<Replication, LinkError> {
        let mut batch = Batch::default();
        info::ask_replication(&mut batch);
        Ok(Replication::read(&self.call(batch).await?))
    }

    /// Any answer at all.
    pub async fn ping(&mut self) -> Result<(), LinkError> {
        self.command(&["PING"]).await.map(drop)
    }

    /// Closes the write fence: from here every write is refused with `-NOREPLICAS`, whatever the role.
    pub async fn fence(&mut self) -> Result<(), LinkError> {
        self.command(&["CONFIG", "SET", "min-replicas-to-write", &FENCE.to_string()])
            .await
            .map(drop)
    }

    /// Opens the write fence and ends a pause: a primary takes writes from here.
    pub async fn open(&mut self) -> Result<(), LinkError> {
        self.transact(&[&["CONFIG", "SET", "min-replicas-to-write", "0"], UNPAUSE])
            .await
    }

    /// Holds all writes back (they wait, they are not refused) for at most this many milliseconds, and closes the
    /// fence below, so that what still waits when the pause ends is refused. Reads go on.
    pub async fn hold(&mut self, milliseconds: u64) -> Result<Info, LinkError> {
        let (fence, pause) = (FENCE.to_string(), milliseconds.to_string());
        let mut batch = Batch::default();
        batch.transaction(&[
            &["CLIENT", "PAUSE", &pause, "WRITE"],
            &["CONFIG", "SET", "min-replicas-to-write", &fence],
        ]);
        info::ask_all(&mut batch);
        Ok(Info::read(&self.call(batch).await?))
    }

    /// Ends a pause.
    pub async fn unpause(&mut self) -> Result<(), LinkError> {
        self.command(UNPAUSE).await.map(drop)
    }

    /// Seals a replica, or a node that has no clients to lose: closes the fence, cuts it from the primary that it
    /// follows, *then* tells its position, which no longer changes. Its data and its claim to a partial resync stay.
    pub async fn seal(&mut self) -> Result<Info, LinkError> {
        self.sealed(&[]).await
    }

    /// Seals a primary: as [`Link::seal`], and all clients are disconnected, since many only look for the new
    /// primary then. The probes' own connections go too and come back.
    pub async fn depose(&mut self) -> Result<Info, LinkError> {
        self.sealed(&[KILL_NORMAL, KILL_PUBSUB]).await
    }

    /// Makes it a primary, its fence still closed, and tells its new history.
    pub async fn promote(&mut self) -> Result<Info, LinkError> {
        let mut batch = Batch::default();
        let fence = FENCE.to_string();
        batch.transaction(&[
            &["CONFIG", "SET", "min-replicas-to-write", &fence],
            &["REPLICAOF", "NO", "ONE"],
        ]);
        info::ask_all(&mut batch);
        Ok(Info::read(&self.call(batch).await?))
    }

    /// Follows that primary; does nothing where it already does. The fence is closed first.
    pub async fn follow(&mut self, primary: &Address) -> Result<(), LinkError> {
        let (fence, port) = (FENCE.to_string(), primary.port.to_string());
        self.transact(&[
            &["CONFIG", "SET", "min-replicas-to-write", &fence],
            &["REPLICAOF", &primary.host, &port],
        ])
        .await
    }

    /// Follows that primary anew: the server tries a refused connection only once a second, this tries at once.
    pub async fn follow_now(&mut self, primary: &Address) -> Result<(), LinkError> {
        let (fence, port, dead) = (
            FENCE.to_string(),
            primary.port.to_string(),
            DEAD_PORT.to_string(),
        );
        self.transact(&[
            &["CONFIG", "SET", "min-replicas-to-write", &fence],
            &["REPLICAOF", DEAD_HOST, &dead],
            &["REPLICAOF", &primary.host, &port],
        ])
        .await
    }

    /// Disconnects all clients, subscribers included; replicas stay.
    pub async fn kill_clients(&mut self) -> Result<(), LinkError> {
        self.transact(&[KILL_NORMAL, KILL_PUBSUB]).await
    }

    /// Asks it to end, with or without a snapshot. `Ok` or `Closed` means that it is ending.
    pub(in crate::server) async fn shutdown(&mut self, save: bool) -> Result<(), LinkError> {
        let args: Command<'_> = if save {
            &["SHUTDOWN"]
        } else {
            &["SHUTDOWN", "NOSAVE"]
        };
        self.command(args).await.map(drop)
    }

    async fn sealed(&mut self, then: &[Command<'_>]) -> Result<Info, LinkError> {
        let (fence, dead) = (FENCE.to_string(), DEAD_PORT.to_string());
        let set_fence: Command<'_> = &["CONFIG", "SET", "min-replicas-to-write", &fence];
        let cut: Command<'_> = &["REPLICAOF", DEAD_HOST, &dead];
        let mut batch = Batch::default();
        batch.transaction(&[&[set_fence, cut, UNPAUSE], then].concat());
        info::ask_all(&mut batch);
        Ok(Info::read(&self.call(batch).await?))
    }

    async fn transact(&mut self, commands: &[Command<'_>]) -> Result<(), LinkError> {
        let mut batch = Batch::default();
        batch.transaction(commands);
        self.call(batch).await.map(drop)
    }
}
